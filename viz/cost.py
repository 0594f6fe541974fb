"""What a pass costs on the machine that ran, by its nodes: as calibrated, and in this run."""

from typing import Any, NamedTuple

import plotly.graph_objects as go

from engine.breakdown import Breakdown
from engine.pass_cost import PassCost, recorded_cost
from engine.run_facts import Header
from engine.stats import Ratio
from engine.trace import Trace
from viz import figure, scale
from viz.amount import count

NOT_MEASURED = "this trace holds no measured cost of a pass"
LEGEND = (("target", "line", "calibrated before"), ("ink", "circle", "this run's, means"))
DOTS = 40  # tree sizes of the run that are drawn, those met most


class CostInfo(NamedTuple):
    """Seconds of a pass by nodes, the root included."""

    cost: PassCost | None  # calibrated before the run
    met: list[tuple[int, Ratio]]  # nodes of a pass; seconds of all such passes, of how many


def plot_cost(trace: Trace, mode: str = "light") -> go.Figure:
    """The cost of a pass, and of this run's passes."""
    breakdown = Breakdown()
    for this in trace.rounds:
        breakdown.add(this)
    return figure.finished(cost_panel(cost_info(trace.header, breakdown)), mode)


def cost_info(header: Header, breakdown: Breakdown) -> CostInfo:
    """The header's table and the run's own passes."""
    most = sorted(breakdown.sizes.most_common(DOTS))
    met = [(1 + size, Ratio(breakdown.verify_seconds[size], rounds)) for size, rounds in most]
    return CostInfo(recorded_cost(header.pass_seconds), met)


def cost_panel(info: CostInfo) -> dict[str, Any]:
    """A line of what was calibrated, a dot a tree size of the run; nodes on a doubling scale."""
    if info.cost is None:
        return scale.panel(scale.missing(NOT_MEASURED))
    cost = info.cost
    largest = max(cost.nodes[-1], *(nodes for nodes, _ in info.met), 2)
    times = [*cost.seconds, *(ratio.value or 0 for _, ratio in info.met)]
    highest = 1000 * max(times)
    marks = scale.ticks(highest * 1.05)
    doubled = [2**k for k in range(largest.bit_length()) if 2**k <= largest]
    layout = {
        "margin": scale.MARGIN,
        "xaxis": scale.logarithmic(0.9, largest * 1.12, "nodes of a pass, root included", doubled),
        "yaxis": scale.linear(0, highest * 1.1, "ms a pass", marks),
        "shapes": scale.lines(marks[1:]),
    }
    plain = cost(1)
    hover = [
        f"calibrated: a pass of {count(nodes, 'node')} takes {1000 * seconds:.1f} ms, "
        f"{seconds / plain:.2f} times one node's {1000 * plain:.1f} ms"
        for nodes, seconds in zip(cost.nodes, cost.seconds, strict=True)
    ]
    calibrated = scale.line(cost.nodes, [round(1000 * s, 4) for s in cost.seconds], "target")
    data = [calibrated | {"name": "calibrated", "mode": "lines+markers", **_hover(hover)}]
    if info.met:
        data.append(_met(info.met, plain))
    title = f"one node {1000 * plain:.1f} ms"
    return scale.panel({"data": data, "layout": layout}, title, LEGEND)


def _met(met: list[tuple[int, Ratio]], plain: float) -> dict[str, Any]:
    """The run's passes, a dot a size."""
    hover = [
        f"this run: a pass of {count(nodes, 'node')} took "
        f"{1000 * (ratio.value or 0):.1f} ms, "
        f"{(ratio.value or 0) / plain:.2f} calibrated passes of one; "
        f"{1000 * ratio.part:.0f} ms in {count(ratio.whole, 'pass', 'es')}"
        for nodes, ratio in met
    ]
    values = [round(1000 * (ratio.value or 0), 4) for _, ratio in met]
    return scale.dots([n for n, _ in met], values, "ink", hover) | {"name": "this run"}


def _hover(words: list[str]) -> dict[str, Any]:
    return {"hovertext": words, "hoverinfo": "text"}
