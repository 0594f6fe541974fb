"""What earlier rounds taught about one kind of guess: how often it was right, and by rank.

Counts fade with every round that tested something, so that the text may change its mind.
"""

from collections.abc import Sequence

DEEPEST = 4  # acceptance is learnt per depth up to here, and together beyond
PRIOR = 0.6  # acceptance of a first child that is expected before anything was seen …
RANK_PRIOR = 0.3  # … of the next sibling so much of it …
WEIGHT = 1.0  # … with the weight of so many tested nodes
KNOWN_WEIGHT = 6.0  # of chances that were measured beforehand
SHARED_WEIGHT = 3.0  # expected acceptances before this text is held for harder than those measured
FORGET = 0.95  # a round that tested something leaves this much of older evidence
RESTED = 2.0  # tested nodes that old refusals still weigh when a trial succeeds
IMPATIENCE, PATIENCE = 0.25, 1.0  # the first trial's wait, of the usual; after many failed

Key = tuple[int, int]  # (depth up to DEEPEST, rank)


class Evidence:
    """Acceptance by depth and rank, and when to try again what did not pay.

    Args:
        chances: [depths][ranks] measured beforehand: that the child of this rank is the one
            accepted, its parent being accepted; the last row holds for all deeper ones.
    """

    def __init__(self, chances: Sequence[Sequence[float]] | None = None) -> None:
        self._known = chances
        self._accepted: dict[Key, float] = {}  # faded counts
        self._expected: dict[Key, float] = {}  # summed confidence of the tested
        self._tested: dict[Key, float] = {}
        self._eased: float | None = None  # see ``_ease``; until the next count, as those below
        self._rows: dict[int, list[tuple[float, float]]] = {}  # per depth: see ``chance``
        self._trusts: dict[Key, float] = {}
        self.waited = 0  # rounds since the last trial in which nothing was drafted
        self.patience = IMPATIENCE  # of the usual wait until the next trial

    def chance(self, depth: int, rank: int) -> float:
        """Chance that a node is the accepted child of an accepted parent.

        A row holds it beside the chance that this node and all its elders are refused.
        """
        row = self._rows.setdefault(depth, [])
        while len(row) <= rank:
            left = row[-1][1] if row else 1.0
            own = self._own(depth, len(row))
            row.append((left * own, left * (1.0 - own)))
        return row[rank][0]

    def trust(self, depth: int, rank: int) -> float:
        """By what a drafter's own confidence is to be multiplied: accepted / expected."""
        alike = min(depth, DEEPEST), min(rank, 1)
        if alike not in self._trusts:
            self._trusts[alike] = self._trusted(*alike)
        return self._trusts[alike]

    def _trusted(self, depth: int, rank: int) -> float:
        keys = [key for key in self._tested if _alike(key, depth, rank)]
        accepted = sum(self._accepted[key] for key in keys)
        expected = sum(self._expected[key] for key in keys)
        return (PRIOR * WEIGHT + accepted) / (WEIGHT + expected)

    def fade(self) -> None:
        """Let a round pass that tested something."""
        self._scale(FORGET)

    def count(self, depth: int, rank: int, confidence: float, is_accepted: bool) -> None:
        """Note how one tested node fared."""
        self._forget_sums()
        key = min(depth, DEEPEST), rank
        for table, amount in (
            (self._accepted, float(is_accepted)),
            (self._expected, confidence),
            (self._tested, 1.0),
        ):
            table[key] = table.get(key, 0.0) + amount

    def end_trial(self, is_accepted: bool) -> None:
        """A success makes old refusals weigh little; a failure makes the next trial rarer."""
        self.waited = 0
        self.patience = IMPATIENCE if is_accepted else min(PATIENCE, 2 * self.patience)
        if is_accepted:
            self._scale(RESTED / max([RESTED, *self._tested.values()]))

    def _own(self, depth: int, rank: int) -> float:
        """Chance that a node is accepted once all its elders were refused."""
        key = (min(depth, DEEPEST), rank)
        prior, weight = self._prior(depth, rank)
        seen = weight + self._tested.get(key, 0.0)
        return (prior * weight + self._accepted.get(key, 0.0)) / seen

    def _prior(self, depth: int, rank: int) -> tuple[float, float]:
        """What is expected of a node whose elders were refused, and how firmly."""
        if not self._known:
            return PRIOR * RANK_PRIOR**rank, WEIGHT
        known = self._measured(depth, rank)
        return min(1.0, known * self._ease()), KNOWN_WEIGHT

    def _measured(self, depth: int, rank: int) -> float:
        """The chance measured beforehand of a node whose elders were refused."""
        row = self._known[min(depth, len(self._known)) - 1]
        if rank >= len(row):
            return 0.0
        left = 1.0 - sum(row[:rank])
        return min(1.0, row[rank] / left) if left > 0 else 0.0

    def _ease(self) -> float:
        """How much oftener than measured first children are right here, at whatever depth.

        A text that is hard at one depth is so at the next, of which little has been seen yet.
        """
        if self._eased is None:
            first = [key for key in self._tested if key[1] == 0]
            accepted = sum(self._accepted[key] for key in first)
            expected = sum(self._tested[key] * self._measured(*key) for key in first)
            self._eased = (SHARED_WEIGHT + accepted) / (SHARED_WEIGHT + expected)
        return self._eased

    def _forget_sums(self) -> None:
        self._eased = None
        self._rows, self._trusts = {}, {}

    def _scale(self, factor: float) -> None:
        self._forget_sums()
        for table in (self._accepted, self._expected, self._tested):
            for key in table:
                table[key] *= factor


def _alike(key: Key, depth: int, rank: int) -> bool:
    """Whether what was learnt under ``key`` tells of (depth, rank): first children apart."""
    return key[0] == min(depth, DEEPEST) and (key[1] > 0) == (rank > 0)
