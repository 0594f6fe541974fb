"""The draft tree of one round as it was judged."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from engine.columns import are_chances, are_ids, same_length
from engine.tree import depths

Verdict = Literal["root", "accepted", "rejected", "untested"]

MAX_RECORDED = 1024  # of one round that is still read and drawn


@dataclass(frozen=True, slots=True)
class Nodes:
    """The draft tree of one round, a column per fact; node 0 is the root.

    Parents come before their children.  ``target_prob`` is as judged: one-hot at temperature 0.
    ``draft_prob`` is, of a token that was drawn, of the law it was drawn from.  Of one that was not
    (the most probable ones of heads at any temperature, all at temperature 0) it is the drafter's
    softmax before temperature, top-k and top-p.
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
