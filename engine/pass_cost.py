"""Measured seconds of a pass by its nodes, and what speculation is worth at that; no torch."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class PassCost:
    """Measured seconds of one pass by the number of nodes it reads."""

    nodes: tuple[int, ...]  # ascending
    seconds: tuple[float, ...]  # never falling: a larger pass is no cheaper

    def times(self, factor: float) -> "PassCost":
        """The same on a machine that takes ``factor`` of the time."""
        return PassCost(self.nodes, tuple(factor * each for each in self.seconds))

    def __call__(self, nodes: int) -> float:
        """Seconds of a pass over ``nodes`` nodes, by interpolation; beyond the table by its end.

        There a node more costs what it did between the last two sizes: where many rows cost as
        much as one, a few more do too.
        """
        if nodes <= self.nodes[-1]:
            return float(np.interp(nodes, self.nodes, self.seconds))
        if len(self.nodes) == 1:
            return self.seconds[0] * nodes / self.nodes[0]
        rise = (self.seconds[-1] - self.seconds[-2]) / (self.nodes[-1] - self.nodes[-2])
        return self.seconds[-1] + rise * (nodes - self.nodes[-1])


LEAST, MOST = 1e-9, 1e6  # seconds that anything here may take and still be believed


def believed(seconds: float) -> float:
    """Seconds as a file claims them: what no clock shows is none or the most there is."""
    return min(seconds, MOST) if seconds >= LEAST else 0.0


def recorded_cost(pass_seconds: Mapping[int, float]) -> PassCost | None:
    """A header's table as a cost; ``None`` where it holds none that a clock may have shown."""
    nodes = sorted(size for size in pass_seconds if size > 0)
    if not nodes or not all(LEAST <= pass_seconds[size] <= MOST for size in nodes):
        return None
    return PassCost(tuple(nodes), tuple(pass_seconds[size] for size in nodes))


def predicted_speed_up(
    target: PassCost, drafted: int, draft_seconds: float, mean_accepted_length: float
) -> float:
    """Tokens a second against plain: tau * c(1) / (c(1 + drafted) + draft)."""
    return mean_accepted_length * target(1) / (target(1 + drafted) + draft_seconds)
