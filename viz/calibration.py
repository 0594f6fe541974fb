"""Draft probability against acceptance: whether the drafter knows when it is right."""

from math import sqrt
from typing import Any, NamedTuple

import plotly.graph_objects as go

from engine.breakdown import BINS, Bin, Breakdown
from engine.trace import Trace
from viz import figure, scale
from viz.amount import count

DOTS = ("accepted", "circle", "accepted of tested")
KNOWING = {  # by whether drafts were drawn: the line's name, and whose it is
    False: ("accepted as often as drafted", "a drafter that knows"),
    True: ("accepted always", "a drafter whose law is the target's"),
}
SMALL, LARGE = 7, 22  # pixels across a dot of one node, and of all of them


class CalibrationInfo(NamedTuple):
    """Tested nodes by tenths of their draft probability, empty tenths left out."""

    bins: list[tuple[int, Bin]]  # with the number of the tenth
    tested: int
    is_drawn: bool = False  # drafts were drawn: accepted by min(1, p/q), not by p


def plot_calibration(trace: Trace, mode: str = "light") -> go.Figure:
    """Calibration of a whole run's drafts."""
    breakdown = Breakdown()
    for this in trace.rounds:
        breakdown.add(this)
    info = calibration_info(breakdown, not trace.header.has_point_mass)
    return figure.finished(calibration_panel(info), mode)


def calibration_info(breakdown: Breakdown, is_drawn: bool = False) -> CalibrationInfo:
    """The tenths that hold tested nodes.

    Args:
        is_drawn: the drafts were drawn from the draft's law, not taken.
    """
    found = [(i, each) for i, each in enumerate(breakdown.calibration) if each.accepted.whole]
    return CalibrationInfo(found, sum(int(each.accepted.whole) for _, each in found), is_drawn)


def calibration_panel(info: CalibrationInfo) -> dict[str, Any]:
    """A dot a tenth, as large as it holds nodes, and the line of a drafter that knows.

    A taken token is accepted by p, so that who knows p lies on the diagonal; a drawn one by
    p/q, and where q is p always.
    """
    if not info.bins:
        return scale.panel(scale.missing("no tested node has a draft probability"))
    marks = [0, 0.25, 0.5, 0.75, 1]
    layout = {
        "margin": scale.MARGIN,
        "xaxis": scale.linear(-0.02, 1.05, "draft probability", marks),
        "yaxis": scale.linear(
            -0.04,
            1.08,
            "accepted of tested",
            marks,
            ticktext=[f"{100 * mark:.0f} %" for mark in marks],
        ),
        "shapes": scale.lines(marks),
    }
    exact = scale.line([0, 1], [1 if info.is_drawn else 0, 1], "faint", dash="dot")
    name, said = KNOWING[info.is_drawn]
    data = [{**exact, "name": name}, _dots(info)]
    title = f"{count(info.tested, 'tested node')}, in tenths · {scale.INTERVALS}"
    return scale.panel({"data": data, "layout": layout}, title, (DOTS, ("faint", "line", said)))


def _dots(info: CalibrationInfo) -> dict[str, Any]:
    x = [each.probability.value or 0 for _, each in info.bins]
    y = [each.accepted.value or 0 for _, each in info.bins]
    hover = [_words(i, each) for i, each in info.bins]
    drawn = scale.dots([round(v, 4) for v in x], [round(v, 4) for v in y], "accepted", hover)
    shares = [each.accepted.whole / info.tested for _, each in info.bins]
    drawn["marker"]["size"] = [round(SMALL + (LARGE - SMALL) * sqrt(s), 1) for s in shares]
    drawn["error_y"] = scale.whiskers([each.accepted for _, each in info.bins])
    return drawn | {"name": "tenths"}  # no line joins them: between tenths of one node it zigzags


def _words(tenth: int, found: Bin) -> str:
    low, high = tenth / BINS, (tenth + 1) / BINS
    return (
        f"draft probability {low:.1f} to {high:.1f}, mean {found.probability.value:.2f}: "
        f"{found.accepted.part} accepted of {count(found.accepted.whole, 'tested node')}, "
        f"{100 * (found.accepted.value or 0):.0f} %; {scale.within(found.accepted)}"
    )
