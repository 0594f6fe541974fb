"""What a run on the stage says, message by message, and what is measured of it afterwards.

Each is a job for ``ui.runner``: a generator that has the decoder while a step goes on, and ends
early once its visitor has cancelled it.
"""

import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

from engine.cut_short import StoppedError
from ui import messages, methods
from ui.settings import Wish
from ui.visitor import Played, Visitor
from viz.stage import Stage, header_message

STOPPED = "Stopped: what waited did not begin."
READING = "Reading the prompt."
UNREAD = "Stopped while the prompt was read."
MEASURING = "Measuring plain decoding of the same prompt, for the speed-up."
BROKEN = "The decoder broke off: {}.  The server's log says more."
STANDS = "  What was decoded before stands."


def play(decoder: Any, visitor: Visitor, wish: Wish, asked: float) -> Iterator[str]:
    """A run from its prompt to its end.

    Args:
        asked: when, by the visitor's clock.

    Raises:
        ValueError: the method cannot run here, or the settings do not fit the prompt.
    """
    reason = methods.why_not(wish.config.method, visitor.bundle.methods)
    if reason:
        raise ValueError(reason)
    yield messages.status(READING)
    if visitor.cancelled.is_set():
        yield from stopped(visitor)
        return
    told = (visitor.bundle, wish.prompt, wish.config)
    try:
        run = decoder.decode(*told, visitor.cancelled.is_set)
    except StoppedError:
        yield from stopped(visitor, UNREAD)
        return
    yield from _rounds(run, visitor, wish, asked)


def _rounds(run: Any, visitor: Visitor, wish: Wish, asked: float) -> Iterator[str]:
    """Header, rounds and end; what is to be measured of it is noted for ``measure``."""
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
        problem = what_broke(error, STANDS)
    finally:
        run.close()
    is_over = run.end.is_whole and not (problem or visitor.cancelled.is_set())
    if is_measured := is_compared and is_over:  # known before it is told: Stop may come then
        visitor.unmeasured = Played(wish, asked, name, stage, run.end, tokens)
    yield messages.tagged(stage.end_message(run.end, _note(run.end), is_measured), name)
    if problem:
        yield messages.problem(problem)


def measure(decoder: Any, visitor: Visitor) -> Iterator[str]:
    """Plain decoding of the last run's prompt: that run's end again, with the speed-up."""
    played, visitor.unmeasured = visitor.unmeasured, None
    if played is None:  # settled while it waited for the decoder
        yield from give_up(visitor)
        return
    visitor.settled = played
    visitor.spared = spared = Event()

    def is_cancelled() -> bool:
        return visitor.cancelled.is_set() or spared.is_set()

    yield messages.tagged(messages.status(MEASURING), played.name)
    told = (visitor.bundle, played.wish.prompt, played.wish.config, played.tokens)
    plain = None if is_cancelled() else decoder.measure_plain(*told, is_cancelled)
    visitor.settled = None
    end = replace(played.end, plain=plain)
    yield messages.tagged(played.stage.end_message(end), played.name)


def stopped(visitor: Visitor, text: str = STOPPED) -> Iterator[str]:
    """What is said of work that was stopped before it did anything."""
    yield from give_up(visitor)
    yield messages.status(text)


def give_up(visitor: Visitor) -> Iterator[str]:
    """The end of a run that still stands there and will not be measured after all."""
    played, visitor.settled = visitor.settled, None
    if played is not None:
        yield messages.tagged(played.stage.end_message(played.end), played.name)


def what_broke(error: Exception, more: str = "") -> str:
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
