"""Draft probability against acceptance: whether the drafter knows when it is right."""

from math import sqrt
from typing import Any, NamedTuple

import plotly.graph_objects as go

from engine.breakdown import BINS, Bin, Breakdown
from engine.trace import Trace
from viz import figure, scale
from viz.amount import count

LEGEND = (("accepted", "circle", "accepted of tested"), ("faint", "line", "a drafter that knows"))
SMALL, LARGE = 7, 22  # pixels across a dot of one node, and of all of them


class CalibrationInfo(NamedTuple):
    """Tested nodes by tenths of their draft probability, empty tenths left out."""

    bins: list[tuple[int, Bin]]  # with the number of the tenth
    tested: int


def plot_calibration(trace: Trace, mode: str = "light") -> go.Figure:
    """Calibration of a whole run's drafts."""
    breakdown = Breakdown()
    for this in trace.rounds:
        breakdown.add(this)
    return figure.finished(calibration_panel(calibration_info(breakdown)), mode)


def calibration_info(breakdown: Breakdown) -> CalibrationInfo:
    """The tenths that hold tested nodes."""
    found = [(i, each) for i, each in enumerate(breakdown.calibration) if each.accepted.whole]
    return CalibrationInfo(found, sum(int(each.accepted.whole) for _, each in found))


def calibration_panel(info: CalibrationInfo) -> dict[str, Any]:
    """A dot a tenth, as large as it holds nodes, and the line of those who know exactly."""
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
    exact = scale.line([0, 1], [0, 1], "faint", dash="dot")
    data = [{**exact, "name": "accepted as often as drafted"}, _dots(info)]
    title = f"{count(info.tested, 'tested node')}, in tenths"
    return scale.panel({"data": data, "layout": layout}, title, LEGEND)


def _dots(info: CalibrationInfo) -> dict[str, Any]:
    x = [each.probability.value or 0 for _, each in info.bins]
    y = [each.accepted.value or 0 for _, each in info.bins]
    hover = [_words(i, each) for i, each in info.bins]
    drawn = scale.dots([round(v, 4) for v in x], [round(v, 4) for v in y], "accepted", hover)
    shares = [each.accepted.whole / info.tested for _, each in info.bins]
    drawn["marker"]["size"] = [round(SMALL + (LARGE - SMALL) * sqrt(s), 1) for s in shares]
    return drawn | {"name": "tenths"}  # no line joins them: between tenths of one node it zigzags


def _words(tenth: int, found: Bin) -> str:
    low, high = tenth / BINS, (tenth + 1) / BINS
    return (
        f"draft probability {low:.1f} to {high:.1f}, mean {found.probability.value:.2f}: "
        f"{found.accepted.part} accepted of {count(found.accepted.whole, 'tested node')}, "
        f"{100 * (found.accepted.value or 0):.0f} %"
    )
