"""Which implementation attended from the nodes of a run's trees, and why that one; no torch."""

from dataclasses import dataclass
from typing import Literal

PathName = Literal["triton", "flex", "reference", "sdpa", "eager"]

MAX_REASON = 500  # characters


@dataclass(frozen=True, slots=True)
class KernelPath:
    """``triton`` is our kernel; ``sdpa`` and ``eager`` are the model's own attention, masked."""

    name: PathName
    reason: str  # a clause: "Triton needs a CUDA card, not cpu"

    def __post_init__(self) -> None:
        if len(self.reason) > MAX_REASON:
            raise ValueError(f"a reason has at most {MAX_REASON} characters")
