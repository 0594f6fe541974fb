"""How much to draft: by the settings, or by what pays on this machine with this text.

Decides from earlier rounds and from a drafter's deterministic guesses only, never from the
tokens drawn in this round: a stop rule that looks at those would bend the output's law.

``"auto"`` drafts the tree that is worth most by what was learnt, and nothing where no tree is
worth more than plain decoding.  Then a single node is tried now and then: as seldom as its cost
demands, and seldomer the more trials fail.  A purse bounds what all this may lose: drafting that
fails pays from it, drafting that succeeds and the passing of time fill it, and what it cannot
pay is not drafted.  So by the table of costs a run never takes longer than plain decoding by
more than the allowance, a pass or so, and ``SPARE`` of its time, whatever the text.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache

from engine.config import MAX_NODES, DecodeConfig, RankPath
from engine.drafters.drafter import Proposal
from engine.evidence import DEEPEST, Evidence
from engine.tree import Shape, best_paths, chain, depths, shape_from_paths
from engine.verify import Judgement

AUTO_NODES = 64  # planned at most; more never pays where a pass is bound by arithmetic
MARGIN = 1.02  # by what a tree must promise to beat plain decoding
ALLOWANCE = 0.75  # plain passes that finding out may cost at the start …
KNOWN_ALLOWANCE = 1.5  # … and where acceptance was measured beforehand: bad luck, not bad text
SPARE = 0.01  # of the time that trials may cost
CREDIT = 4.0  # plain passes that good text may earn: bad text spends no more

Cost = Callable[[int], float]  # seconds of a pass by the number of nodes it reads


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
        self.tree, self.max_rank, self.once = config.tree, max_rank, once
        self.catches_up = catches_up
        self.target, self.draft = target and cache(target), draft and cache(draft)
        self._evidence: defaultdict[int, Evidence] = defaultdict(lambda: Evidence(chances))
        self._grade = 0  # kind of guess of this round
        self._is_asked = self._is_trial = False  # in this round
        self._behind = 0  # tokens committed since something was drafted
        self._plain = target(1) if target else 0.0
        self._purse = (ALLOWANCE if chances is None else KNOWN_ALLOWANCE) * self._plain

    def shape(self, max_depth: int) -> Shape:
        """The tree to draft, for drafters that pay for every level."""
        if isinstance(self.tree, tuple):
            return shape_from_paths(tuple(path for path in self.tree if len(path) <= max_depth))
        if isinstance(self.tree, int):
            return self._widest(min(self.tree, MAX_NODES), max_depth)
        evidence = self._ask(0)
        chance = cache(evidence.chance)
        paths = best_paths(chance, self._worth, max_depth, AUTO_NODES, self.max_rank)
        if not paths and max_depth and self._may_try(evidence):
            paths = ((0,),)
        return shape_from_paths(paths)

    def prune(self, proposal: Proposal, grade: int = 0) -> Proposal:
        """The part of a freely drafted tree that is worth verifying.

        Args:
            grade: kind of guess, known before its tokens are drawn (such as the length of the
                match it was copied behind): what is learnt of one grade is not held for another.
        """
        if isinstance(self.tree, tuple):
            return _restrict(proposal, _nodes_at(proposal, frozenset(self.tree)))
        evidence = self._ask(grade)
        chances = path_chances(proposal, evidence)
        order = sorted(range(1, len(chances)), key=lambda node: (-chances[node], node))
        if isinstance(self.tree, int):
            return _restrict(proposal, sorted(order[: self.tree]))
        size = self._best_size(order, chances)
        if not size and order and self._may_try(evidence):
            size = 1
        return _restrict(proposal, sorted(order[:size]))

    def learn(self, proposal: Proposal, judgement: Judgement) -> None:
        """Note how the tested nodes fared, and what the round cost and brought."""
        evidence, depth = self._evidence[self._grade], depths(proposal.parents)
        self._pay(proposal.num_drafted, max(depth), len(judgement.path))
        accepted = set(judgement.path)
        # a block refuses all that is behind its end: of those below the first nothing was tested
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

    def _may_try(self, evidence: Evidence) -> bool:
        """Whether one node is due for a trial, which spends ``SPARE`` of the time or less."""
        stake = self._stake(1, 1)
        usual = stake / (SPARE * self._plain)
        is_due = evidence.waited >= usual * evidence.patience
        self._is_trial = is_due and stake <= self._purse and self._could_pay()
        return self._is_trial

    def _best_size(self, order: list[int], chances: list[float]) -> int:
        """Nodes, of those in ``order``, that make the round worth most."""
        emitted, best, size = 1.0, self._worth(0, 0, 1.0), 0
        for count, node in enumerate(order, start=1):
            emitted += chances[node]
            if (value := self._worth(count, 0, emitted)) > best:
                best, size = value, count
            elif value < best / 2:
                break
        return size

    def _worth(self, drafted: int, levels: int, emitted: float) -> float:
        """Tokens a second of a round; nothing where the purse cannot pay for its failure."""
        if drafted == 0:
            return emitted / self._plain
        stake = self._stake(drafted, levels)
        return emitted / (self._plain + stake) / MARGIN if stake <= self._purse else 0.0

    def _stake(self, drafted: int, levels: int) -> float:
        """Seconds that a round takes longer than a plain one."""
        verify = self.target(1 + drafted) - self._plain
        if not drafted or not self.draft or not levels:
            return verify + (self.once if drafted else 0.0)
        catch_up = self.draft(1 + self._behind) - self.draft(1) if self.catches_up else 0.0
        return verify + self.once + catch_up + levels * self.draft(max(1, round(drafted / levels)))

    def _could_pay(self) -> bool:
        """Whether any chain would be worth its cost if it were always right."""
        chains = range(1, AUTO_NODES + 1)
        return any(
            (n + 1) * self._plain > MARGIN * (self._plain + self._stake(n, n)) for n in chains
        )

    def _pay(self, drafted: int, levels: int, emitted: int) -> None:
        """Settle a round with the purse."""
        if self.target is not None:
            stake = self._stake(drafted, levels)
            gained = SPARE * (self._plain + stake) + (emitted - 1) * self._plain - stake
            self._purse = min(CREDIT * self._plain, self._purse + gained)
        self._behind = 0 if drafted else self._behind + emitted

    def _widest(self, nodes: int, max_depth: int) -> Shape:
        """A fixed number of nodes: the most probable ones by the learnt chances."""
        if self.max_rank == 1:
            return chain(min(nodes, max_depth))
        chance = cache(self._evidence[0].chance)
        paths = best_paths(chance, lambda n, _, __: float(n), max_depth, nodes, self.max_rank)
        return shape_from_paths(paths)


def path_chances(proposal: Proposal, evidence: Evidence) -> list[float]:
    """Per node the chance that it and all above it are accepted."""
    chances, depth = [1.0], depths(proposal.parents)
    trust = cache(evidence.trust)
    left = [1.0] * len(depth)  # chance that a node is accepted and none of its children so far
    for node in range(1, len(depth)):
        parent, confidence = proposal.parents[node], proposal.confidence[node] or 0.0
        kept = confidence * trust(min(depth[node], DEEPEST), min(proposal.ranks[node], 1))
        chances.append(min(left[parent], chances[parent] * kept))
        left[parent] -= chances[node]
        left[node] = chances[node]
    return chances


def _nodes_at(proposal: Proposal, wanted: frozenset[RankPath]) -> list[int]:
    """Drafted nodes whose rank path is wanted."""
    paths: list[RankPath] = [()]
    for parent, rank in zip(proposal.parents[1:], proposal.ranks[1:], strict=True):
        paths.append((*paths[parent], rank))
    return [node for node, path in enumerate(paths) if path in wanted]


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
