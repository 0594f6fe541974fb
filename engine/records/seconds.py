"""How long a round took."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seconds:
    """Wall-clock seconds of a round's four phases."""

    draft: float
    verify: float
    accept: float
    commit: float

    def __post_init__(self) -> None:
        if min(self.draft, self.verify, self.accept, self.commit) < 0:
            raise ValueError("a phase of a round takes no less than no time")

    @property
    def total(self) -> float:
        """All four together."""
        return self.draft + self.verify + self.accept + self.commit
