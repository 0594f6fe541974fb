"""The records of a round: what a trace holds of it, and all that a figure may know.

Frozen data without tensors: written, read, compared and drawn where neither torch nor a
model is installed.  Columns rather than rows hold what there is much of (nodes,
distributions): that is what a file wants to store and a figure wants to draw.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from engine.attention.tree_mass import TreeMass
from engine.columns import are_chances, are_ids, same_length
from engine.tree import depths

Verdict = Literal["root", "accepted", "rejected", "untested"]
Origin = Literal["accepted", "recovered", "bonus", "sampled"]

MAX_ENTRIES = 1024  # of one law: a few of the largest and the children's tokens are written
MAX_RECORDED, MAX_CACHES = 1024, 8  # of one round that is still read and drawn
RARE = {"rare": True}  # written only where it is not the default
MAX_SLOTS = 2**21  # of one cache: no prompt that fits a trace's header is longer


@dataclass(frozen=True, slots=True)
class Nodes:
    """The draft tree of one round, a column per fact; node 0 is the root.

    Parents come before their children.  ``target_prob`` is as judged: one-hot at temperature 0.
    ``draft_prob`` is of the law drawn from; at temperature 0 the soft one, the drafter's softmax.
    ``accept_prob`` is min(1, r/q) with what refused siblings left of p and q, or the h of a block:
    of a block, a node is kept where a later one passes, whatever its own says (where a stop string
    cut the text before that one, it is untested).
    """

    token: tuple[int, ...]
    parent: tuple[int, ...]  # -1 for the root
    rank: tuple[int, ...]  # order among its siblings, which is the order they are tested in
    draft_prob: tuple[float | None, ...]  # the drafter's; of lookup and suffix, a share of counts
    target_prob: tuple[float | None, ...]  # target's, of the node after its parent
    uniform: tuple[float | None, ...]  # drawn when the node was tested
    verdict: tuple[Verdict, ...]
    accept_prob: tuple[float | None, ...] | None = None  # what the uniform was held against

    def __post_init__(self) -> None:
        same_length(self)
        if not 1 <= len(self) <= MAX_RECORDED:
            raise ValueError(f"a tree has 1 to {MAX_RECORDED} nodes, not {len(self)}")
        are_ids("token", self.token)
        for name in ("draft_prob", "target_prob", "uniform", "accept_prob"):
            are_chances(name, getattr(self, name) or ())
        for node, parent in enumerate(self.parent):
            if not (parent == -1 if node == 0 else 0 <= parent < node):
                raise ValueError(f"node {node} has parent {parent}: parents come first")
            if (self.verdict[node] == "root") != (node == 0):
                raise ValueError(f"node {node} has verdict {self.verdict[node]!r}")
            if not 0 <= self.rank[node] < MAX_RECORDED:
                raise ValueError(f"node {node} has rank {self.rank[node]}")
        for above, node in pairwise(self.path):
            if self.parent[node] != above:
                raise ValueError(f"node {node} is accepted, but not below node {above}, as kept")

    def __len__(self) -> int:
        return len(self.token)

    @property
    def depth(self) -> tuple[int, ...]:
        """Edges from the root, per node."""
        return depths(self.parent)

    @property
    def num_drafted(self) -> int:
        """Nodes without the root."""
        return len(self) - 1

    @property
    def tested(self) -> tuple[int, ...]:
        """Drafted nodes whose verdict tells of the draft: below a node that was kept.

        A block refuses all behind its kept end together, whatever they are.
        """
        kept = {*self.path}
        judged = (i for i, v in enumerate(self.verdict) if v in ("accepted", "rejected"))
        return tuple(i for i in judged if self.parent[i] in kept)

    @property
    def num_tested(self) -> int:
        """How many nodes were ``tested``: the denominator of the acceptance rate."""
        return len(self.tested)

    @property
    def num_accepted(self) -> int:
        """Drafted nodes on the kept path."""
        return self.verdict.count("accepted")

    @property
    def path(self) -> tuple[int, ...]:
        """The judged path: the root and the accepted nodes, top down."""
        return tuple(i for i, v in enumerate(self.verdict) if v in ("root", "accepted"))


@dataclass(frozen=True, slots=True)
class Law:
    """The distributions met at one node of the judged path, their largest entries only.

    ``residual`` is what the next token would be drawn from had every tested child of the
    node been rejected; at the last node of the path it is what it *was* drawn from.
    """

    node: int
    token: tuple[int, ...]
    target: tuple[float, ...]  # p, as judged
    draft: tuple[float, ...]  # q, as judged (one-hot for a point mass)
    residual: tuple[float, ...]
    model: tuple[float, ...]  # the target's softmax before temperature and filters

    def __post_init__(self) -> None:
        same_length(self)
        if len(self.token) > MAX_ENTRIES:
            raise ValueError(f"a law has at most {MAX_ENTRIES} entries, not {len(self.token)}")
        are_ids("token", self.token)
        for name in ("target", "draft", "residual", "model"):
            are_chances(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class Emitted:
    """The tokens a round appended to the text; ``text`` joins to the text itself."""

    token: tuple[int, ...]
    origin: tuple[Origin, ...]
    text: tuple[str, ...]  # "" while a character is still incomplete

    def __post_init__(self) -> None:
        same_length(self)
        are_ids("token", self.token)

    def __len__(self) -> int:
        return len(self.token)


@dataclass(frozen=True, slots=True)
class CacheStep:
    """What one round did to the slots of one KV cache.

    Slots ``[before, before + written)`` were written; those in ``kept`` survived, in order,
    the i-th of them moving to slot ``before + i``; everything behind ``after`` is free.
    """

    name: str  # "target", "draft", or the head's layer
    before: int
    written: int
    kept: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.before < 0 or self.written < 0:
            raise ValueError(f"cache {self.name!r} has a negative length")
        if self.before + self.written > MAX_SLOTS:
            raise ValueError(f"cache {self.name!r} has more than {MAX_SLOTS} slots")
        if any(not self.before <= slot < self.before + self.written for slot in self.kept):
            raise ValueError(f"cache {self.name!r} keeps a slot that this round did not write")
        if list(self.kept) != sorted(set(self.kept)):
            raise ValueError(f"cache {self.name!r} keeps slots out of order")

    @property
    def after(self) -> int:
        """Length once the round is committed."""
        return self.before + len(self.kept)

    @property
    def moved(self) -> tuple[tuple[int, int], ...]:
        """(from, to) of every kept slot that changed place."""
        places = enumerate(self.kept, start=self.before)
        return tuple((source, to) for to, source in places if source != to)


@dataclass(frozen=True, slots=True)
class Seconds:
    """Wall-clock seconds of a round's four phases."""

    draft: float
    verify: float
    accept: float
    commit: float

    def __post_init__(self) -> None:
        if min(self.draft, self.verify, self.accept, self.commit) < 0:
            raise ValueError("a phase of a round takes no less than no time")

    @property
    def total(self) -> float:
        """All four together."""
        return self.draft + self.verify + self.accept + self.commit


@dataclass(frozen=True, slots=True)
class Round:
    """One round: draft, verify, accept, commit."""

    index: int
    start: int  # tokens committed before it, prompt included
    nodes: Nodes
    emitted: Emitted
    laws: tuple[Law, ...]
    caches: tuple[CacheStep, ...]
    seconds: Seconds
    pieces: Mapping[int, str] = field(default_factory=dict)  # text of every token named above
    mass: TreeMass | None = None  # of the nodes' attention, where the target tells it
    # a chain that no block was made of: had the drafter found more tokens, it would branch
    apart: bool = field(default=False, metadata=RARE)

    def __post_init__(self) -> None:
        if self.index < 0 or self.start < 0:
            raise ValueError("a round's index and start are not negative")
        _check_origins(self.nodes, self.emitted)
        if any(not 0 <= law.node < len(self.nodes) for law in self.laws):
            raise ValueError("a law belongs to a node of the tree")
        if len(self.laws) > len(self.nodes):
            raise ValueError("a round has no more laws than nodes")
        if self.mass is not None and len(self.mass.share) != len(self.nodes):
            raise ValueError("the attention's mass is a column of the tree's nodes")
        named = len(self.nodes) + len(self.emitted) + sum(len(law.token) for law in self.laws)
        if len(self.pieces) > named + MAX_ENTRIES:  # a few more than there have to be may stand
            raise ValueError("a round has far more pieces than tokens that it names")
        if len(self.caches) > MAX_CACHES:
            raise ValueError(f"a round has at most {MAX_CACHES} caches, not {len(self.caches)}")

    def piece(self, token: int) -> str:
        """The text of ``token``, or its number where the record has none."""
        return self.pieces.get(token, f"#{token}")


def _check_origins(nodes: Nodes, emitted: Emitted) -> None:
    """Refuse tokens that the verdicts do not give: the kept ones in order, and one more at most."""
    kept = tuple(nodes.token[node] for node in nodes.path[1:])
    if emitted.token[: len(kept)] != kept or len(emitted) > len(kept) + 1:
        raise ValueError("a round emits its accepted tokens and at most one more")
    if emitted.origin.count("accepted") != len(kept) or "accepted" in emitted.origin[len(kept) :]:
        raise ValueError("a round's accepted tokens, and no others, have that origin")
