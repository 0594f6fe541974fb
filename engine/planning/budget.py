"""What drafting may lose on this machine: seconds of a round, and what is left for failures.

Drafting that fails pays from the budget, drafting that succeeds and the passing of time fill it,
and what it cannot pay is not drafted.  So by the table of costs a run never takes longer than
plain decoding by more than the allowance, a pass or so, and ``SPARE`` of its time, whatever the
text.  The rule is this project's own.
"""

from collections.abc import Callable
from functools import cache

MARGIN = 1.02  # by what a tree must promise to beat plain decoding
SPARE = 0.01  # of the time that trials may cost
# Of what rows cost with their logits: those that only catch up make none, and of a small drafter
# these are most.  0.16 to 0.38 were measured of the drafters that ship (64 and 128 rows, Zen 5).
CATCH_UP = 0.4
CREDIT = 4.0  # plain passes that good text may earn: bad text spends no more

Cost = Callable[[int], float]  # seconds of a pass by the number of nodes it reads


class Budget:
    """The budget of one run.

    Args:
        target: cost of the target's pass; ``None`` where nothing is planned by worth.
        draft: cost of drafting one level of so many nodes, ``None`` where levels are free.
        once: seconds that drafting anything at all costs in a round, beside its levels.
        catches_up: whether the drafter has first to read what was committed since it last drafted.
        allowance: plain passes that finding out may cost at the start.

    Attributes:
        plain: seconds of a plain pass.
        left: seconds that may still be lost.
    """

    def __init__(
        self,
        target: Cost | None,
        draft: Cost | None,
        once: float,
        *,
        catches_up: bool,
        allowance: float,
    ) -> None:
        self._target, self._draft = target and cache(target), draft and cache(draft)
        self._once, self._catches_up = once, catches_up
        self._behind = 0  # tokens committed since something was drafted
        self._read: tuple[int, ...] = ()  # nodes of each level that was read in this round
        self.plain = target(1) if target else 0.0
        self.left = allowance * self.plain

    def note_read(self, nodes: int) -> None:
        """So many nodes of the next level are read, the root first: paid for, kept or not."""
        self._read = (*self._read, nodes)

    def stake(self, drafted: int, levels: int) -> float:
        """Seconds that a round takes longer than a plain one.

        Args:
            drafted: nodes that are verified, the root left out.
            levels: that are read to draft them; those read already count as what they were.
        """
        verify = self._target(1 + drafted) - self.plain
        if not drafted:
            return verify
        if not self._draft or not levels:
            return verify + self._once
        rows = self._draft(1 + self._behind) - self._draft(1)
        behind = CATCH_UP * rows if self._catches_up else 0.0
        usual = self._draft(max(1, round(drafted / levels)))
        unread = max(0, levels - len(self._read))
        return verify + self._once + behind + sum(map(self._draft, self._read)) + unread * usual

    def affords(self, stake: float) -> bool:
        """Whether a round may fail that takes ``stake`` seconds longer than a plain one."""
        return stake <= self.left

    def worth(self, drafted: int, levels: int, emitted: float) -> float:
        """Tokens a second of a round that emits so many; 0 where its failure is not affordable."""
        if drafted == 0:
            return emitted / self.plain
        stake = self.stake(drafted, levels)
        return emitted / (self.plain + stake) / MARGIN if self.affords(stake) else 0.0

    def may_pay(self, most: int) -> bool:
        """Whether any chain of ``most`` nodes or fewer is worth its cost, were it always right."""
        return any(
            (n + 1) * self.plain > MARGIN * (self.plain + self.stake(n, n))
            for n in range(1, most + 1)
        )

    def settle(self, drafted: int, levels: int, emitted: int) -> None:
        """Pay for a round that is over, and take what it brought."""
        if self._target is not None:
            stake = self.stake(drafted, levels)
            gained = SPARE * (self.plain + stake) + (emitted - 1) * self.plain - stake
            self.left = min(CREDIT * self.plain, self.left + gained)
        self._behind = 0 if drafted else self._behind + emitted
        self._read = ()
