"""What a machine can move and compute at best, and what a target's pass needs; no torch.

The roofline of Williams, Waterman and Patterson (2009): at ``intensity`` operations a byte no
program computes faster than ``min(peak, bandwidth * intensity)``.
"""

from dataclasses import dataclass
from typing import NamedTuple

SLOWEST, FASTEST = 1e3, 1e20  # bytes or operations a second that a file may claim
LARGEST = 10**15  # parameters or bytes


@dataclass(frozen=True, slots=True)
class Roofline:
    """Ceilings measured on the machine that ran, and the size of the target there."""

    bytes_per_second: float  # the faster of reading and copying what no cache holds
    operations_per_second: float  # of a matrix product in the target's own type
    weight_bytes: int  # of the matrices that every pass reads
    parameters: int  # of the same matrices

    def __post_init__(self) -> None:
        for speed in (self.bytes_per_second, self.operations_per_second):
            if not SLOWEST <= speed <= FASTEST:
                raise ValueError(f"no machine has a ceiling of {speed:g} a second")
        for size in (self.weight_bytes, self.parameters):
            if not 0 < size <= LARGEST:
                raise ValueError(f"no target has {size} parameters or bytes")

    @property
    def ridge(self) -> float:
        """Operations a byte from which on computing, and not moving, is what takes the time."""
        return self.operations_per_second / self.bytes_per_second

    def ceiling(self, intensity: float) -> float:
        """Operations a second at the most."""
        return min(self.operations_per_second, self.bytes_per_second * intensity)

    def traffic(self, passes: int, nodes: int, slots: int, slot_bytes: int) -> "Traffic":
        """What ``passes`` over ``nodes`` nodes in all need of the target.

        Args:
            slots: of the KV cache, read or written, summed over the passes.
        """
        return Traffic(passes * self.weight_bytes + slots * slot_bytes, 2 * self.parameters * nodes)


class Traffic(NamedTuple):
    """Bytes moved, and operations: two for every parameter and node, attention's left out."""

    moved: int
    operations: int

    @property
    def intensity(self) -> float:
        """Operations a byte."""
        return self.operations / self.moved
