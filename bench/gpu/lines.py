"""One measured line: what it took, and the bound it is held to."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.report import Spread, print_table


@dataclass(frozen=True, slots=True)
class Ceilings:
    """What this card does at its best, measured on it."""

    bytes_a_second: float  # a copy, what is read and what is written counted
    flops_a_second: float  # a large bf16 product

    def microseconds(self, num_bytes: float, flops: float = 0.0) -> float:
        """The least time for that much traffic and arithmetic."""
        return 1e6 * max(num_bytes / self.bytes_a_second, flops / self.flops_a_second)


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table; times in microseconds, medians and quartiles."""

    name: str
    median: float | None = None
    low: float | None = None
    high: float | None = None
    bound: float | None = None  # the ceilings' least time for the same work
    note: str = ""

    @classmethod
    def timed(cls, name: str, took: Spread, bound: float | None = None, note: str = "") -> "Line":
        """A line of a measurement; a bound of 0 says that the ceilings are not known."""
        return cls(name, took.median, took.low, took.high, bound or None, note)

    @property
    def record(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def print_lines(part: str, lines: Sequence[Line]) -> None:
    """A table: the median, its quartiles, the bound and how much of the time it explains."""
    rows = []
    for line in lines:
        time, held, share = "", "", ""
        if line.median is not None:
            time = str(Spread(line.median, line.low, line.high))
        if line.bound is not None and line.median:
            held, share = f"{line.bound:.1f}", f"{100 * line.bound / line.median:.0f} %"
        rows.append((line.name, time, held, share, line.note))
    print_table(part, ("what", "us (quartiles)", "bound us", "of it", ""), rows)
