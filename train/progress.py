"""A line now and then that says how far a long job is and when it will end."""

import time


class Progress:
    """Counts work done since it was made.

    Args:
        total: of all work, in ``unit``.
        unit: plural noun.
        every: seconds between two lines.
    """

    def __init__(self, total: float, unit: str, every: float = 20.0) -> None:
        self.total, self.unit, self.every = total, unit, every
        self.count = 0.0
        self.begun = self.told = time.perf_counter()

    def advance(self, amount: float, says: str = "") -> None:
        """Count ``amount`` more; print a line where one is due."""
        self.count += amount
        now = time.perf_counter()
        if now - self.told < self.every and self.count < self.total:
            return
        self.told = now
        pace = self.count / max(now - self.begun, 1e-9)
        left = (self.total - self.count) / max(pace, 1e-9) / 60
        print(
            f"{self.count:,.0f} of {self.total:,.0f} {self.unit}, {pace:,.0f} a second, "
            f"{left:.0f} min left{'; ' + says if says else ''}",
            flush=True,
        )
