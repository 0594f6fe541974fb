"""How much to draft: by the settings, or by what pays on this machine with this text.

Decides from earlier rounds and from a drafter's deterministic guesses only, never from the
tokens drawn in this round: a stop rule that looks at those would bend the output's law.
"""

from engine.config import MAX_NODES, DecodeConfig
from engine.cost import PassCost
from engine.drafters.drafter import Proposal
from engine.tree import Shape, best_paths, chain, shape_from_paths
from engine.verify import Judgement

AUTO_NODES = 64  # planned at most; more never pays where a pass is bound by arithmetic
DEEPEST = 4  # acceptance is learnt per depth up to here, and together beyond
PRIOR = 0.6  # acceptance expected before anything was seen …
WEIGHT = 1.0  # … with the weight of so many tested nodes
FORGET = 0.98  # per round that tested something: old evidence fades
FORGET_IDLE = 0.995  # per other round: what did not pay is tried again some dozen rounds later


class Planner:
    """Plans the trees of one run.

    Args:
        config: ``tree="auto"`` plans by worth; a number or rank paths fix the tree.
        target: cost of the target's pass; needed for ``"auto"``.
        draft: cost of one pass of the draft model, ``None`` where drafting is free.
        max_rank: children a node may have at the most.
    """

    def __init__(
        self,
        config: DecodeConfig,
        target: PassCost | None = None,
        draft: PassCost | None = None,
        max_rank: int = 1,
    ) -> None:
        self.tree, self.target, self.draft, self.max_rank = config.tree, target, draft, max_rank
        self._accepted: dict[tuple[int, int], float] = {}  # (depth, rank) -> faded counts
        self._expected: dict[tuple[int, int], float] = {}  # summed confidence of the tested
        self._tested: dict[tuple[int, int], float] = {}

    def shape(self, max_depth: int) -> Shape:
        """The tree to draft, for drafters that pay for every level."""
        if isinstance(self.tree, tuple):
            return shape_from_paths(tuple(path for path in self.tree if len(path) <= max_depth))
        if isinstance(self.tree, int):
            return self._widest(min(self.tree, MAX_NODES), max_depth)
        return shape_from_paths(
            best_paths(self._chance, self._worth, max_depth, AUTO_NODES, self.max_rank)
        )

    def prune(self, proposal: Proposal) -> Proposal:
        """The part of a freely drafted tree that is worth verifying."""
        if isinstance(self.tree, tuple):
            return proposal
        chances = self._path_chances(proposal)
        order = sorted(range(1, len(chances)), key=lambda node: (-chances[node], node))
        size = self.tree if isinstance(self.tree, int) else self._best_size(order, chances)
        return _restrict(proposal, sorted(order[:size]))

    def learn(self, proposal: Proposal, judgement: Judgement) -> None:
        """Note how the tested nodes fared."""
        is_idle = len(judgement.path) == 1 and not judgement.rejected
        for table in (self._accepted, self._expected, self._tested):
            for key in table:
                table[key] *= FORGET_IDLE if is_idle else FORGET
        depth = {0: 0}
        for node in range(1, len(proposal.tokens)):
            depth[node] = depth[proposal.parents[node]] + 1
        accepted = set(judgement.path)
        for node in (*judgement.path[1:], *judgement.rejected):
            key = (min(depth[node], DEEPEST), proposal.ranks[node])
            for table, amount in (
                (self._accepted, float(node in accepted)),
                (self._expected, proposal.confidence[node] or 0.0),
                (self._tested, 1.0),
            ):
                table[key] = table.get(key, 0.0) + amount

    def _chance(self, depth: int, rank: int) -> float:
        """Chance that a node is the accepted child of an accepted parent."""
        key = (min(depth, DEEPEST), rank)
        prior = PRIOR * 0.3**rank
        seen = WEIGHT + self._tested.get(key, 0.0)
        own = (prior * WEIGHT + self._accepted.get(key, 0.0)) / seen
        if rank == 0:
            return own
        elder = sum(self._chance(depth, other) for other in range(rank))
        return own * max(0.0, 1.0 - elder)

    def _trust(self, depth: int, rank: int) -> float:
        """How much of its own confidence a free drafter keeps: accepted / expected."""
        accepted, expected = (
            sum(table.get(key, 0.0) for key in self._tested if _alike(key, depth, rank))
            for table in (self._accepted, self._expected)
        )
        return min(1.0, (PRIOR * WEIGHT + accepted) / (WEIGHT + expected))

    def _path_chances(self, proposal: Proposal) -> list[float]:
        """Per node the chance that it and all above it are accepted."""
        chances, depth = [1.0], [0]
        for node in range(1, len(proposal.tokens)):
            parent = proposal.parents[node]
            depth.append(depth[parent] + 1)
            confidence = proposal.confidence[node] or 0.0
            trust = self._trust(depth[node], proposal.ranks[node])
            chances.append(chances[parent] * confidence * trust)
        return chances

    def _best_size(self, order: list[int], chances: list[float]) -> int:
        """Nodes, of those in ``order``, that make the round worth most."""
        emitted, best, size = 1.0, self._worth(0, 0, 1.0), 0
        for count, node in enumerate(order, start=1):
            emitted += chances[node]
            if (value := self._worth(count, 0, emitted)) > best:
                best, size = value, count
        return size

    def _worth(self, drafted: int, levels: int, emitted: float) -> float:
        """Tokens a second of a round."""
        width = max(1, round(drafted / levels)) if levels else 1
        draft = levels * self.draft(width) if self.draft else 0.0
        return emitted / (self.target(1 + drafted) + draft)

    def _widest(self, nodes: int, max_depth: int) -> Shape:
        """A fixed number of nodes: the most probable ones by the learnt chances."""
        if self.max_rank == 1:
            return chain(min(nodes, max_depth))
        return shape_from_paths(
            best_paths(self._chance, lambda n, _, __: float(n), max_depth, nodes, self.max_rank)
        )


def _alike(key: tuple[int, int], depth: int, rank: int) -> bool:
    """Whether what was learnt under ``key`` tells of (depth, rank): first children apart."""
    return key[0] == min(depth, DEEPEST) and (key[1] > 0) == (rank > 0)


def _restrict(proposal: Proposal, kept: list[int]) -> Proposal:
    """The tree of the root and ``kept``, a parent-closed set of nodes of a point-mass tree."""
    nodes = [0, *kept]
    number = {-1: -1} | {node: i for i, node in enumerate(nodes)}
    siblings: dict[int, int] = {}
    ranks = []
    for node in nodes:
        parent = proposal.parents[node]
        ranks.append(siblings.get(parent, 0))
        siblings[parent] = ranks[-1] + 1
    return Proposal(
        tuple(proposal.tokens[node] for node in nodes),
        tuple(number[proposal.parents[node]] for node in nodes),
        tuple(ranks),
        tuple(proposal.confidence[node] for node in nodes),
    )
