"""Runs the decoder for the visitors of the page, one run each; draws nothing and waits for
no animation.
"""

import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import inf
from pathlib import Path
from threading import Event, Lock
from typing import Any

import engine
from engine.cut_short import StoppedError
from ui import messages, methods
from ui.loader import Loader
from ui.settings import Wish
from ui.visitor import Played, Visitor, Visitors
from viz.stage import Stage, header_message

LOADING = "The model is loading; the run starts as soon as it is there."
STOPPED = "Stopped: what waited did not begin."
READING = "Reading the prompt."
UNREAD = "Stopped while the prompt was read."
MEASURING = "Measuring plain decoding of the same prompt, for the speed-up."
BROKEN = "The decoder broke off: {}.  The server's log says more."
STANDS = "  What was decoded before stands."
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
        yield from self.work(session, lambda visitor: self._run(visitor, wish, asked), asked)

    def measure(self, session: str) -> Iterator[str]:
        """Plain decoding of the last run's prompt, where that was asked for: its end again."""
        visitor = self._visitors.get(session)
        if visitor is None:
            return
        if visitor.unmeasured is not None:
            yield from self.work(session, self._measure)
        else:  # it was settled while it waited
            yield from self._give_up(visitor)

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
                yield from self._stopped(visitor)
        except Exception as error:
            problem = messages.problem(_what_broke(error))
            yield from self._give_up(visitor)
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

    def _stopped(self, visitor: Visitor, text: str = STOPPED) -> Iterator[str]:
        """What is said of work that was stopped before it did anything."""
        yield from self._give_up(visitor)
        yield messages.status(text)

    def _give_up(self, visitor: Visitor) -> Iterator[str]:
        """The end of a run that still stands there and will not be measured after all."""
        played, visitor.settled = visitor.settled, None
        if played is not None:
            yield messages.tagged(played.stage.end_message(played.end), played.name)

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

    def _run(self, visitor: Visitor, wish: Wish, asked: float) -> Iterator[str]:
        reason = methods.why_not(wish.config.method, visitor.bundle.methods)
        if reason:
            raise ValueError(reason)
        yield messages.status(READING)
        if visitor.cancelled.is_set():
            yield from self._stopped(visitor)
            return
        told = (visitor.bundle, wish.prompt, wish.config)
        try:
            run = self.decoder.decode(*told, visitor.cancelled.is_set)
        except StoppedError:
            yield from self._stopped(visitor, UNREAD)
            return
        is_compared = wish.compare and wish.config.method != "plain"
        name, tokens = messages.new_run(), []
        stage = Stage(run.header, awaits_plain=is_compared)
        source, problem = Path(visitor.bundle.source).name, ""
        visitor.settled = visitor.unmeasured = None  # what stood there goes
        try:
            yield messages.tagged(header_message(run.header, "live", source), name)
            while not visitor.cancelled.is_set() and (this := next(run, None)) is not None:
                tokens += this.emitted.token
                yield messages.tagged(stage.round_message(this), name)
        except Exception as error:  # no room for a round, or worse: those before it are kept
            problem = _what_broke(error, STANDS)
        finally:
            run.close()
        is_over = run.end.is_whole and not (problem or visitor.cancelled.is_set())
        if is_measured := is_compared and is_over:  # known before it is told: Stop may come then
            visitor.unmeasured = Played(wish, asked, name, stage, run.end, tokens)
        yield messages.tagged(stage.end_message(run.end, _note(run.end), is_measured), name)
        if problem:
            yield messages.problem(problem)

    def _measure(self, visitor: Visitor) -> Iterator[str]:
        played, visitor.unmeasured = visitor.unmeasured, None
        if played is None:  # settled while it waited for the decoder
            yield from self._give_up(visitor)
            return
        visitor.settled = played
        visitor.spared = spared = Event()

        def is_cancelled() -> bool:
            return visitor.cancelled.is_set() or spared.is_set()

        yield messages.tagged(messages.status(MEASURING), played.name)
        told = (visitor.bundle, played.wish.prompt, played.wish.config, played.tokens)
        plain = None if is_cancelled() else self.decoder.measure_plain(*told, is_cancelled)
        visitor.settled = None
        end = replace(played.end, plain=plain)
        yield messages.tagged(played.stage.end_message(end), played.name)


def _what_broke(error: Exception, more: str = "") -> str:
    """What to say of it: an engine's own words are for the visitor, a library's are for the log."""
    if isinstance(error, ValueError):
        return str(error)
    traceback.print_exception(error)
    words = str(error).strip()
    return BROKEN.format(words.splitlines()[0] if words else repr(error)) + more


def _note(end: Any) -> str:
    """What to say of a run that somebody has stopped."""
    if end.reason != "cancelled":
        return ""
    return f"Stopped after {end.rounds} round{'' if end.rounds == 1 else 's'}."
