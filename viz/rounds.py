"""Tokens of every round by their origin, and the mean accepted length so far over them."""

from typing import Any, NamedTuple

import plotly.graph_objects as go

from engine.breakdown import ORIGINS, Breakdown
from engine.stats import Ratio
from engine.trace import Trace
from viz import figure, scale
from viz.amount import count
from viz.theme import role

BARS = 250  # of a longer run several rounds share one


class Bars(NamedTuple):
    """Tokens of ``rounds`` rounds that stand in one bar."""

    first: int  # round, from 1 as on the page
    rounds: int
    tokens: tuple[int, ...]  # by ORIGINS
    mean: Ratio  # accepted length after the last of them

    @property
    def words(self) -> str:
        """Which rounds."""
        last = self.first + self.rounds - 1
        return f"round {last}" if self.rounds == 1 else f"rounds {self.first} to {last}"


class RoundsInfo(NamedTuple):
    """All bars of a run."""

    bars: list[Bars]
    rounds: int
    tokens: int


def plot_rounds(trace: Trace, mode: str = "light") -> go.Figure:
    """Tokens per round of a whole run."""
    breakdown = Breakdown()
    for this in trace.rounds:
        breakdown.add(this)
    return figure.finished(rounds_panel(rounds_info(breakdown)), mode)


def rounds_info(breakdown: Breakdown) -> RoundsInfo:
    """What every round wrote."""
    origins, means = breakdown.origins, breakdown.running_length
    each = max(1, -(-len(origins) // BARS))
    bars = []
    for start in range(0, len(origins), each):
        group = origins[start : start + each]
        tokens = tuple(map(sum, zip(*group, strict=True)))
        bars.append(Bars(start + 1, len(group), tokens, means[start + len(group) - 1]))
    return RoundsInfo(bars, len(origins), sum(map(sum, origins)))


def rounds_panel(info: RoundsInfo) -> dict[str, Any]:
    """Stacked bars and a line."""
    if not info.bars:
        return scale.panel(scale.missing("no round yet"))
    shown = [i for i in range(len(ORIGINS)) if any(bar.tokens[i] for bar in info.bars)]
    data = [*(_bars(info, i) for i in shown), _mean(info)]
    highest = max(sum(bar.tokens) / bar.rounds for bar in info.bars)
    marks = scale.ticks(max(1.0, highest), 5)
    across = [mark for mark in scale.ticks(info.rounds, 8) if mark >= 1 and mark % 1 == 0]
    if not across or across[0] > 2:
        across.insert(0, 1)
    layout = {
        "barmode": "stack",
        "bargap": 0.2 if len(info.bars) < 100 else 0,
        "margin": scale.MARGIN,
        "xaxis": scale.linear(0.5, info.rounds + 0.5, "round", across),
        "yaxis": scale.linear(0, max(1.0, highest) * 1.08, "tokens a round", marks),
        "shapes": scale.lines(marks[1:]),
    }
    last = info.bars[-1].mean
    title = f"{count(last.part, 'token')} in {count(last.whole, 'round')}, mean "
    drawn = {"data": data, "layout": layout}
    legend = [*((ORIGINS[i], "bar", ORIGINS[i]) for i in shown), ("ink", "line", "mean so far")]
    return scale.panel(drawn, f"{title}{last.value:.2f}", legend)


def _bars(info: RoundsInfo, origin: int) -> dict[str, Any]:
    """One origin's share of every bar."""
    width = [bar.rounds for bar in info.bars]
    return {
        "type": "bar",
        "name": ORIGINS[origin],
        "x": [bar.first + (bar.rounds - 1) / 2 for bar in info.bars],
        "y": [round(bar.tokens[origin] / bar.rounds, 3) for bar in info.bars],
        "width": [0.84 * w if len(width) < 100 else w for w in width],
        "marker": {"color": role(ORIGINS[origin])},
        "hovertext": [
            f"{bar.tokens[origin]} {ORIGINS[origin]} of {count(sum(bar.tokens), 'token')}"
            f" in {bar.words}"
            for bar in info.bars
        ],
        "hoverinfo": "text",
    }


def _mean(info: RoundsInfo) -> dict[str, Any]:
    """Mean accepted length after every bar."""
    values = [round(bar.mean.value or 0, 3) for bar in info.bars]
    x = [bar.first + bar.rounds - 1 for bar in info.bars]
    drawn = scale.line(x, values, "ink", dash="solid")
    hover = [
        f"mean accepted length {bar.mean.value:.2f}: {count(bar.mean.part, 'token')} in "
        f"{count(bar.mean.whole, 'target pass', 'es')}"
        for bar in info.bars
    ]
    mode = "lines" if len(x) > 1 else "markers"
    return {**drawn, "name": "mean", "mode": mode, "hovertext": hover, "hoverinfo": "text"}
