"""Acceptance by depth, and by rank where trees branch; every bar with its denominator."""

from typing import Any, NamedTuple

import plotly.graph_objects as go

from engine.breakdown import Breakdown
from engine.stats import Ratio
from engine.trace import Trace
from viz import figure, scale
from viz.amount import count
from viz.theme import role

RANKS = 3  # bars beside each other; the last holds all later siblings
DEPTHS = 16  # that are drawn; a title says how many there are
SHADE = ("", "/0.6", "/0.32")
NAMES = ("first child", "second child", "later children")


class AcceptanceInfo(NamedTuple):
    """Accepted of the tested nodes, by depth from 1 on."""

    by_depth: list[Ratio]
    by_rank: list[list[Ratio]]  # per rank, by depth; one list where nothing branches
    whole: Ratio


def plot_acceptance(trace: Trace, mode: str = "light") -> go.Figure:
    """Acceptance by depth and rank over a whole run."""
    breakdown = Breakdown()
    for this in trace.rounds:
        breakdown.add(this)
    return figure.finished(acceptance_panel(acceptance_info(breakdown)), mode)


def acceptance_info(breakdown: Breakdown) -> AcceptanceInfo:
    """Every depth and rank that was tested."""
    (by_depth,) = breakdown.acceptance(1) or [[]]
    whole = Ratio(sum(r.part for r in by_depth), sum(r.whole for r in by_depth))
    return AcceptanceInfo(by_depth, breakdown.acceptance(RANKS), whole)


def acceptance_panel(info: AcceptanceInfo) -> dict[str, Any]:
    """A bar a depth, or one a rank beside each other."""
    if not info.by_depth:
        return scale.panel(scale.missing("nothing was drafted and tested"))
    shown = min(DEPTHS, len(info.by_depth))
    marks = [0, 0.25, 0.5, 0.75, 1]
    layout = {
        "margin": scale.MARGIN,
        "xaxis": scale.linear(
            0.5, max(4, shown) + 0.5, "depth in the tree", list(range(1, shown + 1))
        ),
        "yaxis": scale.linear(
            0,
            1.12,
            "accepted of tested",
            marks,
            ticktext=[f"{100 * mark:.0f} %" for mark in marks],
        ),
        "shapes": scale.lines(marks[1:]),
    }
    many = len(info.by_rank)
    bars = [_bars(info, rank, shown, many) for rank in range(many)]
    data = [*bars, *(_counts(info, rank, bar) for rank, bar in enumerate(bars))]
    title = f"{info.whole.part} of {info.whole.whole} tested"
    if shown < len(info.by_depth):
        title += f", first {shown} of {len(info.by_depth)} depths"
    title += f" · {scale.INTERVALS}"
    legend = [("accepted", "bar", "accepted of tested")]
    if many > 1:
        legend = [(_shade(rank), "bar", NAMES[rank]) for rank in range(many)]
    return scale.panel({"data": data, "layout": layout}, title, legend)


def _bars(info: AcceptanceInfo, rank: int, shown: int, many: int) -> dict[str, Any]:
    """One rank's bars, each with what chance may have added or taken."""
    width = 0.84 / many
    found = info.by_rank[rank][:shown]
    name = "" if many == 1 else f" ({NAMES[rank]})"
    return {
        "type": "bar",
        "name": NAMES[rank] if many > 1 else "all",
        "x": [round(d + (rank - (many - 1) / 2) * width, 3) for d in range(1, shown + 1)],
        "y": [round(ratio.value or 0, 4) for ratio in found],
        "width": round(width * 0.94, 3),
        "marker": {"color": f"@{_shade(rank)}"},
        "error_y": scale.whiskers(found),
        "hovertext": [_words(depth, ratio, name) for depth, ratio in enumerate(found, start=1)],
        "hoverinfo": "text",
    }


def _counts(info: AcceptanceInfo, rank: int, bars: dict[str, Any]) -> dict[str, Any]:
    """Numerators and denominators, above the whiskers of one rank's bars."""
    shown = len(bars["x"])
    found = info.by_rank[rank][:shown]
    crowded = len(info.by_rank) * shown > 10
    return {
        "type": "scatter",
        "mode": "text",
        "name": "counts",
        "x": bars["x"],
        "y": [round(ratio.interval[1], 4) for ratio in found],
        "text": [f"{r.part}/{r.whole}" if r.whole else "" for r in found],
        "textposition": "top center",
        "textfont": {"size": 8.5 if crowded else 10.5, "color": role("ink")},
        "hoverinfo": "skip",
    }


def _words(depth: int, ratio: Ratio, name: str) -> str:
    if ratio.value is None:
        return f"depth {depth}{name}: none tested"
    return (
        f"depth {depth}{name}: {ratio.part} accepted of "
        f"{count(ratio.whole, 'tested node')}, {100 * ratio.value:.0f} %; {scale.within(ratio)}"
    )


def _shade(rank: int) -> str:
    """The role of a rank's bars: the same colour, fainter for later children."""
    return f"accepted{SHADE[rank]}"
