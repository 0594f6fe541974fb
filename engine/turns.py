"""How long a run lasts, and whose turn it is: it knows nothing of decoding."""

import sys
from abc import abstractmethod
from collections.abc import Iterator
from threading import RLock
from typing import Self

from engine.records import Round
from engine.run_facts import End, Header


class Turns(Iterator[Round]):
    """Rounds that any thread may ask for or ``close``: one at a time has its turn.

    As a context it closes behind itself; one that nobody holds any more ends, too.
    """

    header: Header  # once it has begun
    end: End | None = None

    def __init__(self) -> None:
        self._turn = RLock()

    def __next__(self) -> Round:
        with self._turn:
            return self._next()

    def close(self) -> None:
        """End the run, before its time if need be, and give the memory of its caches back.

        Where another thread is in a round, that one is waited for.
        """
        with self._turn:
            self._finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        """End a run that was left before its end, if it ever began, for what it has borrowed."""
        if self.end is None and "header" in vars(self) and not sys.is_finalizing():
            self.close()

    @abstractmethod
    def _next(self) -> Round:
        """The next round; ``StopIteration`` behind the last."""

    @abstractmethod
    def _finish(self) -> None:
        """Write the end once, and let go of what the run holds."""
