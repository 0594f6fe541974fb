"""Runs the decoder for the visitors of the page, one run each; draws nothing and waits for
no animation.
"""

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import engine
from ui import messages, methods
from ui.loader import Loader
from ui.settings import Wish
from viz.stage import Stage, header_message

LOADING = "The model is loading; the run starts as soon as it is there."
STOPPED = "Stopped before it began."
READING = "Reading the prompt."
MEASURING = "Measuring plain decoding of the same prompt, for the speed-up."
BROKEN = "The run broke off: {}.  What was decoded before stands; the server's log says more."
STOP_SECONDS = 5.0  # how long Stop waits for the round in hand


class Played(NamedTuple):
    """A run that is over, as far as it takes to measure plain decoding against it."""

    wish: Wish
    name: str
    stage: Stage
    end: Any
    tokens: list[int]


@dataclass(slots=True)
class Visitor:
    """One open tab: its view of the bundle, and the run it has going."""

    bundle: Any = None
    cancelled: Event = field(default_factory=Event)
    idle: Event = field(default_factory=Event)
    unmeasured: Played | None = None  # the last run, where its speed-up was asked for
    settled: Played | None = None  # one that another run has kept from being measured
    spared: Event = field(default_factory=Event)  # ends a measurement and nothing else
    stopped: float = -inf  # by the visitor's clock: what he asked for before does not begin


Job = Callable[[Visitor], Iterator[str]]  # ends early once the visitor has cancelled it


class Runner:
    """Keeps visitors apart, and lets each stop his own run only.

    Args:
        decoder: has ``decode`` and ``measure_plain``, as the engine does.
    """

    def __init__(self, loader: Loader, decoder: Any = engine) -> None:
        self.loader = loader
        self.decoder = decoder
        self._visitors: dict[str, Visitor] = {}

    def play(self, session: str, wish: Wish, asked: float = inf) -> Iterator[str]:
        """The messages of one run, a problem among them where it cannot start.

        Args:
            asked: when, by the visitor's clock; nothing comes of a run that he has stopped since.
        """
        visitor = self._visitors.setdefault(session, Visitor())
        if asked < visitor.stopped:
            yield from self._give_up(visitor)
        else:
            yield from self.work(session, lambda visitor: self._run(visitor, wish))

    def measure(self, session: str) -> Iterator[str]:
        """Plain decoding of the last run's prompt, where that was asked for: its end again."""
        visitor = self._visitors.get(session)
        if visitor is not None and visitor.unmeasured is not None:
            yield from self.work(session, self._measure)

    def spare(self, session: str) -> None:
        """End the measurement that goes on: the visitor wants another run."""
        visitor = self._visitors.get(session)
        if visitor is not None:
            visitor.spared.set()

    def settle(self, session: str) -> None:
        """Another run begins: what is not measured of the last one never will be."""
        visitor = self._visitors.get(session)
        if visitor is not None:
            visitor.settled, visitor.unmeasured = visitor.unmeasured, None

    def work(self, session: str, job: Job) -> Iterator[str]:
        """The messages of ``job``, begun once the model is there; what goes wrong is one too."""
        visitor = self._visitors.setdefault(session, Visitor())
        visitor.cancelled = Event()
        visitor.idle = Event()
        try:
            yield from self._ready(visitor)
            if visitor.cancelled.is_set():
                yield messages.status(STOPPED)
                yield from self._give_up(visitor)
            else:
                yield from job(visitor)
        except Exception as error:
            yield messages.problem(_what_broke(error))
            yield from self._give_up(visitor)
        finally:
            visitor.idle.set()

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
        visitor = self._visitors.get(session)
        if visitor is not None:
            visitor.stopped = max(visitor.stopped, asked)
            visitor.cancelled.set()
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
        while not self.loader.wait(0.2):
            if visitor.cancelled.is_set():
                return
        if self.loader.bundle is None:
            raise ValueError(self.loader.problem)
        if visitor.bundle is None:
            visitor.bundle = self.loader.bundle.for_visitor()

    def _run(self, visitor: Visitor, wish: Wish) -> Iterator[str]:
        reason = methods.why_not(wish.config.method, visitor.bundle.methods)
        if reason:
            raise ValueError(reason)
        yield messages.status(READING)
        run = self.decoder.decode(visitor.bundle, wish.prompt, wish.config)
        is_compared = wish.compare and wish.config.method != "plain"
        name, tokens = messages.new_run(), []
        stage = Stage(run.header, awaits_plain=is_compared)
        source, problem = Path(visitor.bundle.source).name, ""
        visitor.settled = None  # what stood there goes
        try:
            yield messages.tagged(header_message(run.header, "live", source), name)
            for this in run:
                tokens += this.emitted.token
                yield messages.tagged(stage.round_message(this), name)
                if visitor.cancelled.is_set():
                    break
        except Exception as error:  # no room for a round, or worse: those before it are kept
            problem = _what_broke(error)
        finally:
            run.close()
        is_measured = is_compared and run.end.is_whole and not problem
        yield messages.tagged(stage.end_message(run.end, _note(run.end), is_measured), name)
        if problem:
            yield messages.problem(problem)
        elif is_measured:
            visitor.unmeasured = Played(wish, name, stage, run.end, tokens)

    def _measure(self, visitor: Visitor) -> Iterator[str]:
        played = visitor.settled = visitor.unmeasured
        visitor.unmeasured = None
        if played is None:  # another run has begun meanwhile
            return
        visitor.spared = spared = Event()
        yield messages.status(MEASURING)
        plain = self.decoder.measure_plain(
            visitor.bundle,
            played.wish.prompt,
            played.wish.config,
            played.tokens,
            lambda: visitor.cancelled.is_set() or spared.is_set(),
        )
        visitor.settled = None
        end = replace(played.end, plain=plain)
        yield messages.tagged(played.stage.end_message(end), played.name)


def _what_broke(error: Exception) -> str:
    """What to say of it: an engine's own words are for the visitor, a library's are for the log."""
    if isinstance(error, ValueError):
        return str(error)
    traceback.print_exception(error)
    return BROKEN.format(str(error).strip().splitlines()[0] if str(error).strip() else repr(error))


def _note(end: Any) -> str:
    """What to say of a run that somebody has stopped."""
    if end.reason != "cancelled":
        return ""
    return f"Stopped after {end.rounds} round{'' if end.rounds == 1 else 's'}."
