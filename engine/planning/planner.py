"""How much to draft: by the settings, or by what pays on this machine with this text.

Decides from earlier rounds and from a drafter's deterministic guesses only, never from the
tokens drawn in this round: a stop rule that looks at those would bend the output's law.

``"auto"`` drafts the tree that is worth most by what was learnt, and nothing where no tree is
worth more than plain decoding.  Then a single node is tried now and then: as seldom as its cost
demands, and seldomer the more trials fail.  What all this may lose is bounded (``budget``).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from math import prod

from engine.config import DecodeConfig, RankPath
from engine.drafters.drafter import Proposal
from engine.planning.budget import SPARE, Budget, Cost
from engine.planning.evidence import Evidence
from engine.tree import Shape, best_paths, chain, depths, shape_from_paths
from engine.verify import Judgement

AUTO_NODES = 64  # planned at most; more never pays where a pass is bound by arithmetic
ALLOWANCE = 0.75  # plain passes that finding out may cost at the start …
KNOWN_ALLOWANCE = 1.5  # … and where acceptance was measured beforehand: bad luck, not bad text


class Planner:
    """Plans the trees of one run.

    Args:
        config: ``tree="auto"`` plans by worth; a number or rank paths fix the tree.
        target: cost of the target's pass; needed for ``"auto"``.
        draft: cost of drafting one level of so many nodes, ``None`` where levels are free.
        max_rank: children a node may have at the most.
        chances: [depths][ranks] what was measured of the drafter beforehand: that the child of
            this rank is the one accepted, its parent being so; ``None`` where nothing is known.
        once: seconds that drafting anything at all costs in a round, beside its levels.
        catches_up: whether the drafter has first to read what was committed since it last drafted.
    """

    def __init__(
        self,
        config: DecodeConfig,
        target: Cost | None = None,
        draft: Cost | None = None,
        max_rank: int = 1,
        chances: Sequence[Sequence[float]] | None = None,
        once: float = 0.0,
        *,
        catches_up: bool = True,
    ) -> None:
        self.tree, self.max_rank = config.tree, max_rank
        allowance = ALLOWANCE if chances is None else KNOWN_ALLOWANCE
        self.budget = Budget(target, draft, once, catches_up=catches_up, allowance=allowance)
        self._evidence: defaultdict[int, Evidence] = defaultdict(lambda: Evidence(chances))
        self._grade = 0  # kind of guess of this round
        self.steadiness = 0.0  # of its worth, by which the last tree may be worse and is kept
        self._paths: tuple[RankPath, ...] = ()  # planned last
        self._is_asked = self._is_trial = False  # in this round

    def shape(self, max_depth: int) -> Shape:
        """The tree to draft, for drafters that pay for every level."""
        if isinstance(self.tree, tuple):
            return shape_from_paths(tuple(path for path in self.tree if len(path) <= max_depth))
        if isinstance(self.tree, int):
            return self._widest(self.tree, max_depth)
        evidence = self._ask(0)
        chance = evidence.chance
        paths = best_paths(chance, self.budget.worth, max_depth, AUTO_NODES, self.max_rank)
        if not paths and max_depth:
            self._is_trial = self._is_due(evidence)
            paths = ((0,),) if self._is_trial else ()
        if not self._is_trial and self._stays(paths, chance, max_depth):
            paths = self._paths
        self._paths = paths
        return shape_from_paths(paths)

    def prune(self, proposal: Proposal, grade: int = 0) -> Proposal:
        """The part of a freely drafted tree that is worth verifying.

        Args:
            grade: kind of guess, known before its tokens are drawn (such as the length of the
                match it was copied behind): what is learnt of one grade is not held for another.
        """
        if isinstance(self.tree, tuple):
            wanted, paths = frozenset(self.tree), proposal.rank_paths()
            return proposal.subtree(node for node, path in enumerate(paths) if path in wanted)
        evidence = self._ask(grade)
        chances = path_chances(proposal, evidence)
        order = best_first(chances)
        if isinstance(self.tree, int):
            return proposal.subtree(order[: self.tree])
        falling, plain = [chances[node] for node in order], self.budget.worth(0, 0, 1.0)
        _, size = best_prefix(falling, self._worth, plain)
        if not size and order:
            self._is_trial = self._is_due(evidence)
            size = int(self._is_trial)
        return proposal.subtree(order[:size])

    def learn(self, proposal: Proposal, judgement: Judgement) -> None:
        """Note how the tested nodes fared, and what the round cost and brought."""
        evidence, depth = self._evidence[self._grade], depths(proposal.parents)
        self.budget.settle(proposal.num_drafted, max(depth), len(judgement.path))
        accepted = set(judgement.path)
        # a block refuses all that is behind its end: those below the first say nothing of the draft
        refused = (node for node in judgement.rejected if proposal.parents[node] in accepted)
        tested = (*judgement.path[1:], *refused)
        if self._is_trial and tested:
            evidence.end_trial(len(accepted) > 1)
        elif self._is_asked and not proposal.num_drafted:
            evidence.waited += 1
        if tested:
            evidence.fade()
        for node in tested:
            confidence = proposal.confidence[node] or 0.0
            evidence.count(depth[node], proposal.ranks[node], confidence, node in accepted)
        self._grade, self._is_asked, self._is_trial = 0, False, False

    def _ask(self, grade: int) -> Evidence:
        """What was learnt of the kind of guess that this round may draft."""
        self._grade, self._is_asked, self._is_trial = grade, True, False
        return self._evidence[grade]

    def _stays(
        self, paths: Sequence[RankPath], chance: Callable[[int, int], float], max_depth: int
    ) -> bool:
        """Whether the last tree is about as good as ``paths``: another one may cost a capture."""
        last = self._paths
        if not self.steadiness or not (paths and last) or max(map(len, last)) > max_depth:
            return False
        one, other = (
            self.budget.worth(len(tree), max(map(len, tree)), 1.0 + sum(_chances(tree, chance)))
            for tree in (last, paths)
        )
        return one >= (1.0 - self.steadiness) * other

    def _worth(self, drafted: int, emitted: float) -> float:
        """Of a tree that is drafted already."""
        return self.budget.worth(drafted, 0, emitted)

    def _is_due(self, evidence: Evidence) -> bool:
        """Whether one node is to be tried.

        Trials spend ``SPARE`` of the time once patience is full, the first ones up to four times
        that, and never more than the budget has.
        """
        budget, stake = self.budget, self.budget.stake(1, 1)
        has_waited = evidence.waited >= stake / (SPARE * budget.plain) * evidence.patience
        return has_waited and budget.affords(stake) and budget.may_pay(AUTO_NODES)

    def _widest(self, nodes: int, max_depth: int) -> Shape:
        """A fixed number of nodes: the most probable ones by the learnt chances."""
        if self.max_rank == 1:
            return chain(min(nodes, max_depth))
        chance = self._evidence[0].chance
        paths = best_paths(chance, lambda n, _, __: float(n), max_depth, nodes, self.max_rank)
        return shape_from_paths(paths)


def _chances(paths: Iterable[RankPath], chance: Callable[[int, int], float]) -> Iterable[float]:
    """Of each path that all of it is accepted."""
    for path in paths:
        yield prod(chance(depth, rank) for depth, rank in enumerate(path, start=1))


def path_chances(proposal: Proposal, evidence: Evidence) -> list[float]:
    """Per node the chance that it and all above it are accepted."""
    chances, depth = [1.0], depths(proposal.parents)
    left = [1.0] * len(depth)  # chance that a node is accepted and none of its children so far
    for node in range(1, len(depth)):
        parent, confidence = proposal.parents[node], proposal.confidence[node] or 0.0
        kept = confidence * evidence.trust(depth[node], proposal.ranks[node])
        chances.append(min(left[parent], chances[parent] * kept))
        left[parent] -= chances[node]
        left[node] = chances[node]
    return chances


def best_first(chances: Sequence[float]) -> list[int]:
    """The drafted nodes by falling chance, of equals the older first: each prefix is a tree."""
    return sorted(range(1, len(chances)), key=lambda node: (-chances[node], node))


def best_prefix(
    chances: Sequence[float], worth: Callable[[int, float], float], least: float = 0.0
) -> tuple[float, int]:
    """The worth of the best size of a tree, and that size.

    Args:
        chances: of its nodes, falling.
        worth: of a tree of so many nodes that emits that many tokens a round on average; of two
            that emit as many the larger one's is no higher.
        least: what it must be above; else the size is 0.
    """
    emitted, most, best, size = 1.0, 1.0 + sum(chances), least, 0
    for count, chance in enumerate(chances, start=1):
        emitted += chance
        if (value := worth(count, emitted)) > best:
            best, size = value, count
        elif worth(count, most) <= best:
            break  # nor would a larger one be worth more that emitted all there is to hope for
    return best, size
