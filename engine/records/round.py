"""One round: all that a figure may know of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.attention.tree_mass import TreeMass
from engine.records.cache_step import CacheStep
from engine.records.emitted import Emitted
from engine.records.law import MAX_ENTRIES, Law
from engine.records.nodes import Nodes
from engine.records.seconds import Seconds
from engine.schema import RARE

MAX_CACHES = 8  # of one round


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
