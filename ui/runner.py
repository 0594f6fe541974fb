"""Runs the decoder for the visitors of the page, one run each; draws nothing and waits for
no animation.
"""

from collections.abc import Callable, Iterator
from math import inf
from threading import Event, Lock
from typing import Any

import engine
from ui import messages
from ui.loader import Loader
from ui.settings import Wish
from ui.stage_run import give_up, measure, play, stopped, what_broke
from ui.visitor import Visitor, Visitors

LOADING = "The model is loading; the run starts as soon as it is there."
STOP_SECONDS = 5.0  # how long Stop waits for the round in hand
LOOK_SECONDS = 0.2  # between two looks whether the decoder is free, or the visitor has stopped


Job = Callable[[Visitor], Iterator[str]]  # ends early once the visitor has cancelled it


class Runner:
    """Keeps visitors apart, and lets each stop his own run only.

    The queue of the page lets one of them begin; whoever is taken out of it by force leaves his
    step to its end, so that the decoder is locked as well, a step at a time.

    Args:
        decoder: has ``decode`` and ``measure_plain``, as the engine does.
    """

    def __init__(self, loader: Loader, decoder: Any = engine) -> None:
        self.loader = loader
        self.decoder = decoder
        self._visitors = Visitors()
        self._device = Lock()

    def play(self, session: str, wish: Wish, asked: float = inf) -> Iterator[str]:
        """The messages of one run, a problem among them where it cannot start.

        Args:
            asked: when, by the visitor's clock; nothing comes of a run that he has stopped since.
        """
        yield from self.work(
            session, lambda visitor: play(self.decoder, visitor, wish, asked), asked
        )

    def measure(self, session: str) -> Iterator[str]:
        """Plain decoding of the last run's prompt, where that was asked for: its end again."""
        visitor = self._visitors.get(session)
        if visitor is None:
            return
        if visitor.unmeasured is not None:
            yield from self.work(session, lambda visitor: measure(self.decoder, visitor))
        else:  # it was settled while it waited
            yield from give_up(visitor)

    def spare(self, session: str, asked: float = inf) -> None:
        """End the measurement that goes on or waits: the visitor wants another run.

        Args:
            asked: when, by the visitor's clock; the runs that he has asked for since are measured.
        """
        visitor = self._visitors.get(session)
        if visitor is not None:
            visitor.spared.set()
            if visitor.unmeasured is not None and visitor.unmeasured.asked < asked:
                self.settle(session)

    def settle(self, session: str) -> None:
        """Another run begins: what is not measured of the last one never will be."""
        visitor = self._visitors.get(session)
        if visitor is not None and visitor.unmeasured is not None:
            visitor.settled, visitor.unmeasured = visitor.unmeasured, None

    def work(self, session: str, job: Job, asked: float = inf) -> Iterator[str]:
        """The messages of ``job``, begun once the model is there; what goes wrong is one too.

        Args:
            asked: as for ``play``.
        """
        visitor = self._visitors.of(session)
        visitor.cancelled = Event()
        if asked < visitor.stopped:  # while it waited
            visitor.cancelled.set()
        visitor.idle = Event()
        try:
            yield from self._ready(visitor)
            if self._has_turn(visitor):
                yield from self._steps(visitor, job)
            else:
                yield from stopped(visitor)
        except Exception as error:
            problem = messages.problem(what_broke(error))
            yield from give_up(visitor)
            yield problem
        finally:
            visitor.idle.set()

    def _steps(self, visitor: Visitor, job: Job) -> Iterator[str]:
        """The messages of ``job``; the visitor has the decoder now, and between them nobody."""
        has_device, steps = True, None
        while True:
            try:
                steps = job(visitor) if steps is None else steps
                message = next(steps, None)
            finally:
                if has_device:
                    self._device.release()
            if message is None:
                return
            yield message
            has_device = self._has_turn(visitor)  # else it ends, with a step at the most

    def _has_turn(self, visitor: Visitor) -> bool:
        """Wait for the decoder and take it, unless the visitor has stopped."""
        while not visitor.cancelled.is_set():
            if self._device.acquire(timeout=LOOK_SECONDS):
                return True
        return False

    def stop(self, session: str, asked: float = -inf) -> None:
        """End the visitor's run after the round in hand, and wait for that.

        Args:
            asked: when, by the visitor's clock; runs that wait and are older never begin.
        """
        visitor = self._visitors.of(session)  # who waits for his first run is not known yet
        visitor.stopped = max(visitor.stopped, asked)
        visitor.cancelled.set()
        self.settle(session)
        visitor.idle.wait(STOP_SECONDS)

    def leave(self, session: str) -> None:
        """Forget a visitor whose tab is closed; his run ends by itself."""
        visitor = self._visitors.pop(session, None)
        if visitor is not None:
            visitor.cancelled.set()

    def _ready(self, visitor: Visitor) -> Iterator[str]:
        """Wait for the model, and give the visitor his own view of it."""
        if not self.loader.wait(0):
            yield messages.status(LOADING)
        while not self.loader.wait(LOOK_SECONDS):
            if visitor.cancelled.is_set():
                return
        if self.loader.bundle is None:
            raise ValueError(self.loader.problem)
        if visitor.bundle is None:
            visitor.bundle = self.loader.bundle.for_visitor()
