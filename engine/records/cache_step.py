"""One round's change of a KV cache."""

from dataclasses import dataclass

MAX_SLOTS = 2**21  # of one cache: no prompt that fits a trace's header is longer


@dataclass(frozen=True, slots=True)
class CacheStep:
    """What one round did to the slots of one KV cache.

    Slots ``[before, before + written)`` were written; those in ``kept`` survived, in order,
    the i-th of them moving to slot ``before + i``; everything behind ``after`` is free.
    """

    name: str  # "target", "draft", or the head's layer
    before: int
    written: int
    kept: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.before < 0 or self.written < 0:
            raise ValueError(f"cache {self.name!r} has a negative length")
        if self.before + self.written > MAX_SLOTS:
            raise ValueError(f"cache {self.name!r} has more than {MAX_SLOTS} slots")
        if any(not self.before <= slot < self.before + self.written for slot in self.kept):
            raise ValueError(f"cache {self.name!r} keeps a slot that this round did not write")
        if list(self.kept) != sorted(set(self.kept)):
            raise ValueError(f"cache {self.name!r} keeps slots out of order")

    @property
    def after(self) -> int:
        """Length once the round is committed."""
        return self.before + len(self.kept)

    @property
    def moved(self) -> tuple[tuple[int, int], ...]:
        """(from, to) of every kept slot that changed place."""
        places = enumerate(self.kept, start=self.before)
        return tuple((source, to) for to, source in places if source != to)
