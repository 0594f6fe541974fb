"""A stop of a lesson on its trace: the round that is meant, and its text with true numbers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from engine.trace import Trace
from ui.lesson import Stop, filled, placeholders
from ui.lesson_facts import is_of_run, said, value_of
from ui.lesson_place import Place, node_of, step_of
from viz.numbers import TITLES, Numbers


class MissingTrace(ValueError):
    """The recorded run that a stop names is not there."""

    def __init__(self, name: str) -> None:
        super().__init__(f"trace: there is no recorded run {name!r}")
        self.name = name


class Played(NamedTuple):
    """A stop as the browser plays it."""

    title: str
    trace: str
    round: int  # from 0
    step: int  # of the round
    node: int | None
    spotlight: list[str]
    text: str
    table: list[list[str]]
    ask: dict[str, Any] | None  # p, q, u, the verdict and why
    figure: dict[str, str] | None  # its name among the panels of the run's end, and its title


def place(stop: Stop, shelf: Mapping[str, Trace], before: Place | None) -> Place:
    """The round that a stop means.

    Args:
        before: the place of the stop before.

    Raises:
        MissingTrace: its trace is not there.
        ValueError: no round is meant, or what the stop expects is not true there.
    """
    trace = _run(stop.trace, shelf)
    if isinstance(stop.round, int):
        indices = range(stop.round - 1, stop.round)
    elif stop.round == "first":
        indices = range(len(trace.rounds))
    elif stop.round == "last":
        indices = range(len(trace.rounds) - 1, len(trace.rounds))
    else:
        indices = _behind(stop, trace, before)
    why = f"there is no round {indices[0] + 1}" if indices else "no round is left"
    for index in indices:
        if index >= len(trace.rounds):
            break
        found, why = _fits(stop, trace, index)
        if found:
            return found
    if stop.round in ("first", "later"):
        raise ValueError(f"expect: no such round; in the last one {why}")
    raise ValueError(why if ":" in why else f"round: {why}")


def played(stop: Stop, at: Place, shelf: Mapping[str, Trace]) -> Played:
    """The stop with every placeholder filled in.

    Raises:
        MissingTrace: a placeholder names a trace that is not there.
        ValueError: a placeholder is unknown or has no value there.
    """
    step = step_of(at.round, stop.phase, at.node)
    values = _values(stop.text, "text", at, shelf)
    for row in stop.table:
        values |= _values(" ".join(row), "table", at, shelf)
    return Played(
        stop.title,
        stop.trace,
        at.index,
        step,
        at.node,
        list(stop.spotlight),
        filled(stop.text, values),
        [[filled(cell, values) for cell in row] for row in stop.table],
        _question(stop, at) if stop.ask else None,
        _figure(stop.figure, at.trace) if stop.figure else None,
    )


def _behind(stop: Stop, trace: Trace, before: Place | None) -> range:
    """The rounds that "same", "next" and "later" may mean."""
    if before is None or before.trace is not trace:
        raise ValueError(f"round: '{stop.round}' needs a stop before it on the same trace")
    start = before.index + (stop.round != "same")
    return range(start, len(trace.rounds) if stop.round == "later" else start + 1)


def _fits(stop: Stop, trace: Trace, index: int) -> tuple[Place | None, str]:
    """The place, where all that the stop expects is true; else what is not."""
    this = trace.rounds[index]
    try:
        at = Place(trace, index, node_of(this, stop.node))
        step_of(this, stop.phase, at.node)
    except ValueError as error:
        return None, str(error)
    for name, wanted in stop.expect.items():
        try:
            value = value_of(name, at)
        except ValueError as error:
            return None, f"expect: {error}"
        if not _holds(value, wanted):
            return None, f"expect: {name} is {value!r}, not {_bounds(wanted)}"
    return at, ""


def _holds(value: Any, wanted: Any) -> bool:
    """Whether a value is the one, or within the range, that a stop expects."""
    if not isinstance(wanted, list):
        return value == wanted
    low, high = wanted
    if isinstance(value, str):
        return False
    return (low is None or low <= value) and (high is None or value <= high)


def _bounds(wanted: Any) -> str:
    return f"within {wanted}" if isinstance(wanted, list) else repr(wanted)


def _values(
    text: str, field: str, at: Place, shelf: Mapping[str, Trace]
) -> dict[tuple[str, str], str]:
    """The words of every placeholder in ``text``."""
    values = {}
    for name, trace in placeholders(text):
        try:
            if trace and not is_of_run(name):
                raise ValueError(f"{{{name}@{trace}}}: only a fact of a whole run has a trace")
            where = Place(_run(trace, shelf), 0) if trace else at
            values[name, trace] = said(name, value_of(name, where))
        except MissingTrace:
            raise
        except ValueError as error:
            raise ValueError(f"{field}: {error}") from None
    return values


def _question(stop: Stop, at: Place) -> dict[str, Any]:
    """What a visitor needs to predict a verdict, and the answer.

    The rule for a first child: accepted where u < p/q.  A later sibling is judged by what
    the rejections before it left, which these numbers do not show.
    """
    nodes, node = at.round.nodes, at.node
    try:
        p, q, u = (value_of(name, at) for name in ("p", "q", "u"))
    except ValueError as error:
        raise ValueError(f"ask: {error}") from None
    if nodes.rank[node] or (u * q < p) != (nodes.verdict[node] == "accepted"):
        raise ValueError("ask: p, q and u of this node do not tell its verdict")
    sign = "<" if u * q < p else "≥"
    told = {name: said(name, value_of(name, at)) for name in ("p", "q", "u", "p_over_q", "token")}
    because = f"u = {told['u']} {sign} p/q = {told['p_over_q']}"
    numbers = {"p": p, "q": q, "u": u, "p_over_q": p / q}
    answer = {"token": told["token"], "verdict": nodes.verdict[node], "because": because}
    return numbers | answer


def _figure(name: str, trace: Trace) -> dict[str, str]:
    """A figure that the trace has something to draw in."""
    drawn = Numbers.of(trace)[name]["figure"]
    if not drawn["data"]:
        raise ValueError(f"figure: {drawn['layout']['annotations'][0]['text']}")
    return {"name": name, "title": TITLES[name]}


def _run(name: str, shelf: Mapping[str, Trace]) -> Trace:
    if name not in shelf:
        raise MissingTrace(name)
    return shelf[name]
