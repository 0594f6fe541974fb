"""What a lesson's placeholders stand for: every number is worked out from the trace."""

from typing import Any

from ui.lesson_place import Place
from ui.lesson_round_facts import NODE, ROUND
from ui.lesson_run_facts import PASS, RUN, pass_value


def fact_names() -> list[str]:
    """Every placeholder there is; those of a pass with a number of nodes as an example."""
    return [*(f"{kind}_8" for kind in PASS), *RUN, *ROUND, *NODE]


def value_of(name: str, place: Place) -> Any:
    """The value a placeholder has at a place.

    Raises:
        ValueError: there is no such placeholder, or it has no value there.
    """
    value = _value(name, place)
    if value is None:
        raise ValueError(f"{{{name}}} has no value here: the trace does not know it")
    return value


def said(name: str, value: Any) -> str:
    """A value in the words of its placeholder."""
    by_nodes = _pass_fact(name)
    form = PASS[by_nodes[0]] if by_nodes else (RUN | ROUND | NODE)[name].form
    return form(value) if callable(form) else form.format(value)


def is_of_run(name: str) -> bool:
    """Whether a placeholder needs no round, so that another trace's can be named."""
    return name in RUN or _pass_fact(name) is not None


def _value(name: str, place: Place) -> Any:
    if by_nodes := _pass_fact(name):
        return pass_value(*by_nodes, place.trace)
    if name in RUN:
        return RUN[name].of(place.trace)
    if name in ROUND:
        return ROUND[name].of(place)
    if name in NODE:
        return None if place.node is None else NODE[name].of(place)
    raise ValueError(f"there is no placeholder {{{name}}}")


def _pass_fact(name: str) -> tuple[str, int] | None:
    """``pass_cost_8`` as ("pass_cost", 8)."""
    kind, _, nodes = name.rpartition("_")
    is_count = nodes.isascii() and nodes.isdigit() and len(nodes) < 4
    return (kind, int(nodes)) if kind in PASS and is_count and int(nodes) else None
