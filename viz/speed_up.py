"""Predicted speed-up against tree size, from the run's own verdicts and the machine's passes.

The curve ends at the run's largest tree: of larger ones its verdicts say nothing.
"""

from typing import Any, NamedTuple

import plotly.graph_objects as go

from engine.breakdown import Breakdown
from engine.pass_cost import LEAST, MOST, recorded_cost
from engine.run_facts import End, Header
from engine.stats import Ratio, Tally, speed_up
from engine.trace import Trace
from viz import figure, scale
from viz.amount import count
from viz.cost import NOT_MEASURED
from viz.theme import role
from viz.verdict import Sentence, what_holds_it_back

LEGEND = (
    ("dim", "line", "predicted: passes and drafting alone"),
    ("ink", "circle", "this run, measured"),
)


class SpeedUpInfo(NamedTuple):
    """Tokens a second against plain by drafted nodes a round: predicted, and as it was."""

    predicted: list[tuple[int, float]]  # by the most nodes of a tree
    means: list[float]  # drafted nodes a round of each of these
    lengths: list[Ratio]  # mean accepted length of each predicted size
    drafted: Ratio  # nodes a round of this run
    measured: Ratio | None  # tokens a second, plain's
    is_calibrated: bool
    sentence: Sentence


def plot_speed_up(trace: Trace, mode: str = "light") -> go.Figure:
    """Predicted speed-up against tree size, with this run's dot."""
    tally, breakdown = Tally.of(trace.rounds), Breakdown()
    for this in trace.rounds:
        breakdown.add(this)
    info = speed_up_info(trace.header, tally, breakdown, trace.end)
    return figure.finished(speed_up_panel(info), mode)


def speed_up_info(
    header: Header, tally: Tally, breakdown: Breakdown, end: End | None
) -> SpeedUpInfo:
    """What is predicted of smaller trees, what was measured of this run."""
    cost = recorded_cost(header.pass_seconds)
    predicted = breakdown.speed_ups(cost) if cost else []
    return SpeedUpInfo(
        predicted,
        [breakdown.drafted_of(size) for size, _ in predicted],
        [breakdown.length_of(size) for size, _ in predicted],
        Ratio(tally.drafted, tally.passes),
        _measured(end),
        cost is not None,
        what_holds_it_back(tally, breakdown, cost),
    )


def _measured(end: End | None) -> Ratio | None:
    """The speed-up, where both speeds can be believed."""
    found = speed_up(end)
    return found if found and all(LEAST <= speed <= MOST for speed in found) else None


def speed_up_panel(info: SpeedUpInfo) -> dict[str, Any]:
    """The curve, the run's dot where plain decoding was measured, and the sentence."""
    note = {"note": info.sentence.text, "note_hover": info.sentence.hover}
    if not info.predicted:
        why = "nothing was drafted" if info.is_calibrated else NOT_MEASURED
        return scale.panel(scale.missing(why)) | note
    widest = max(info.means[-1], info.drafted.value or 0)
    values = [value for _, value in info.predicted]
    measured = info.measured.value if info.measured else None
    highest = max(1.0, *values, measured or 0)
    marks = scale.ticks(highest * 1.05)
    layout = {
        "margin": scale.MARGIN,
        "xaxis": scale.linear(
            -0.03 * widest, 1.05 * widest, "drafted nodes a round", scale.ticks(widest, 6)
        ),
        "yaxis": scale.linear(
            0, highest * 1.12, "times plain", marks, ticktext=[f"{m:g}×" for m in marks]
        ),
        "shapes": [*scale.lines(marks[1:]), _plain()],
    }
    best = max(info.predicted, key=lambda each: each[1])
    title = f"best predicted {best[1]:.2f}×, trees of {count(best[0], 'node')} at most"
    if measured is None:
        title += "; plain was not measured"
    data = [_curve(info), *([_dot(info, info.measured)] if info.measured else [])]
    drawn = {"data": data, "layout": layout}
    return scale.panel(drawn, title, LEGEND[: len(data)]) | note


def _curve(info: SpeedUpInfo) -> dict[str, Any]:
    hover = [
        f"predicted: the {count(size, 'likeliest node')} of each tree, {mean:.2g} a round, give "
        f"{value:.2f} times plain; {count(length.part, 'token')} in "
        f"{count(length.whole, 'target pass', 'es')}"
        for (size, value), mean, length in zip(
            info.predicted, info.means, info.lengths, strict=True
        )
    ]
    x = [round(mean, 3) for mean in info.means]
    drawn = scale.line(x, [round(value, 4) for _, value in info.predicted], "dim")
    return drawn | {
        "name": "predicted",
        "mode": "lines+markers",
        "hovertext": hover,
        "hoverinfo": "text",
    }


def _dot(info: SpeedUpInfo, measured: Ratio) -> dict[str, Any]:
    hover = (
        f"measured: {measured.value:.2f} times plain, {measured.part:.1f} tokens/s against "
        f"{measured.whole:.1f}; {count(info.drafted.part, 'drafted node')} in "
        f"{count(info.drafted.whole, 'round')}"
    )
    x, y = round(info.drafted.value or 0, 3), round(measured.value or 0, 4)
    dot = scale.dots([x], [y], "ink", [hover])
    dot["marker"]["size"] = 13
    return dot | {"name": "this run"}


def _plain() -> dict[str, Any]:
    """Where speculation neither pays nor costs."""
    dashed = {"color": role("faint"), "width": 1.5, "dash": "dash"}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 1, "y1": 1, "line": dashed}
