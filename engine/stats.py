"""What a run's rounds add up to; pure arithmetic on records, each figure with its denominator.

Knows no tensors and no pictures.  ``Tally`` is the running form: a round is added in time
that depends on its tree alone, so a live page never adds up a run twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import sqrt
from typing import NamedTuple, Self

from engine.records import Round, Seconds
from engine.run_facts import End

NORMAL_95 = 1.96  # standard deviations that hold 95 % of a normal law


class Ratio(NamedTuple):
    """A part of a whole, neither of them lost."""

    part: float
    whole: float

    @property
    def value(self) -> float | None:
        """The quotient; ``None`` where there is nothing to divide by."""
        return self.part / self.whole if self.whole else None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % score interval of a share of independent trials (Wilson, 1927).

        Of no trials it is all there is, (0, 1).  Unlike ``value`` plus or minus so many standard
        errors it never leaves 0 to 1, and says something of 3 out of 3.
        """
        if not self.whole:
            return 0.0, 1.0
        share, weight = self.part / self.whole, NORMAL_95**2 / self.whole
        middle = share + weight / 2
        half = sqrt(weight * (share * (1 - share) + weight / 4))
        return max(0.0, (middle - half) / (1 + weight)), min(1.0, (middle + half) / (1 + weight))


@dataclass(slots=True)
class Tally:
    """Counts over the rounds added so far.

    ``tested`` and ``accepted`` hold one count per depth: index 0 is the first drafted token.
    Seconds are wall-clock, summed per phase.
    """

    passes: int = 0
    tokens: int = 0
    drafted: int = 0
    tested: list[int] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)
    seconds: Seconds = Seconds(0.0, 0.0, 0.0, 0.0)

    @classmethod
    def of(cls, rounds: Iterable[Round]) -> Self:
        """The tally of all ``rounds``."""
        tally = cls()
        for this in rounds:
            tally.add(this)
        return tally

    def add(self, this: Round) -> None:
        """Count one more round."""
        self.passes += 1
        self.tokens += len(this.emitted)
        self.drafted += this.nodes.num_drafted
        depth, verdict = this.nodes.depth, this.nodes.verdict
        for node in this.nodes.tested:
            self._test(depth[node], verdict[node] == "accepted")
        had, new = self.seconds, this.seconds
        self.seconds = Seconds(
            had.draft + new.draft,
            had.verify + new.verify,
            had.accept + new.accept,
            had.commit + new.commit,
        )

    def _test(self, depth: int, is_accepted: bool) -> None:
        missing = depth - len(self.tested)
        self.tested.extend([0] * missing)
        self.accepted.extend([0] * missing)
        self.tested[depth - 1] += 1
        self.accepted[depth - 1] += is_accepted

    @property
    def mean_accepted_length(self) -> Ratio:
        """Tokens per target pass, the recovered or bonus token included; plain is 1."""
        return Ratio(self.tokens, self.passes)

    @property
    def acceptance_rate(self) -> Ratio:
        """Accepted of the tested nodes."""
        return Ratio(sum(self.accepted), sum(self.tested))

    @property
    def acceptance_by_depth(self) -> tuple[Ratio, ...]:
        """Accepted of the tested nodes at depth 1, 2, ..."""
        return tuple(Ratio(*pair) for pair in zip(self.accepted, self.tested, strict=True))

    @property
    def drafted_kept(self) -> Ratio:
        """Accepted of all drafted nodes, tested or not."""
        return Ratio(sum(self.accepted), self.drafted)

    def time_share(self, phase: str) -> Ratio:
        """Seconds of ``phase`` (a field of ``Seconds``) of the seconds of all phases."""
        return Ratio(getattr(self.seconds, phase), self.seconds.total)


def mean_accepted_length(rounds: Iterable[Round]) -> Ratio:
    """Tokens per target pass (MAT, tau), the recovered or bonus token included."""
    return Tally.of(rounds).mean_accepted_length


def acceptance_rate(rounds: Iterable[Round]) -> Ratio:
    """Accepted of the tested nodes."""
    return Tally.of(rounds).acceptance_rate


def acceptance_by_depth(rounds: Iterable[Round]) -> tuple[Ratio, ...]:
    """Accepted of the tested nodes at depth 1, 2, ..."""
    return Tally.of(rounds).acceptance_by_depth


def drafted_kept(rounds: Iterable[Round]) -> Ratio:
    """Accepted of all drafted nodes, tested or not."""
    return Tally.of(rounds).drafted_kept


def speed_up(end: End | None) -> Ratio | None:
    """This run's tokens per second over plain decoding's, measured in the same process.

    ``None`` where plain decoding was not measured or either run took no time.
    """
    plain = end.plain if end else None
    if end is None or plain is None or not end.seconds or not plain.seconds or not plain.tokens:
        return None
    return Ratio(end.tokens / end.seconds, plain.tokens / plain.seconds)
