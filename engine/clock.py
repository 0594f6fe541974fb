"""Wall-clock laps of one round."""

from time import perf_counter


class Clock:
    """Started when made; every lap begins where the last one ended."""

    def __init__(self) -> None:
        self._last = perf_counter()

    def lap(self) -> float:
        """Seconds since the last lap, to the microsecond."""
        now = perf_counter()
        seconds, self._last = now - self._last, now
        return round(seconds, 6)
