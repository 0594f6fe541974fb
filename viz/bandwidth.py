"""Bytes moved and operations a token, plain against speculative, under the measured roofline.

Of the target's passes; a draft model's own are not in it.
"""

from typing import Any, NamedTuple

import plotly.graph_objects as go

from engine.breakdown import Breakdown
from engine.pass_cost import believed, recorded_cost
from engine.roofline import Roofline, Traffic
from engine.run_facts import End, Header
from engine.stats import Tally
from engine.trace import Trace
from viz import figure, scale
from viz.amount import count
from viz.theme import SIZES, role

NOT_MEASURED = "no roofline here: not measured, or of a mixture of experts"
RUN, ROUND = "this run", "this round"
LOOKS = {"plain": ("dim", "diamond"), RUN: ("ink", "circle"), ROUND: ("ink", "circle")}
MAX_ROUNDS = 300  # drawn; of more every second, third, ...
SIDES = {  # below the dots, for the roof is above; of a plain run both are in one place
    "plain": "bottom left",
    RUN: "bottom right",
    ROUND: "bottom right",
}


class Load(NamedTuple):
    """What some passes needed and took."""

    traffic: Traffic
    tokens: int
    seconds: float
    source: str  # of the seconds, in words


class Pass(NamedTuple):
    """The target's pass of one round."""

    number: int  # of the round, from 1
    nodes: int
    traffic: Traffic
    seconds: float


class BandwidthInfo(NamedTuple):
    """The ceilings and what ran below them, by name; then round by round."""

    roofline: Roofline | None
    loads: dict[str, Load]
    passes: list[Pass]


def plot_bandwidth(trace: Trace, mode: str = "light", index: int | None = None) -> go.Figure:
    """Plain and speculative passes under the machine's roofline.

    Args:
        index: of the one round to show; ``None`` shows the run, and its rounds behind it.
    """
    rounds = trace.rounds if index is None else (trace.rounds[index],)
    tally, breakdown = Tally.of(rounds), Breakdown()
    for this in rounds:
        breakdown.add(this)
    name = RUN if index is None else ROUND
    info = bandwidth_info(trace.header, tally, breakdown, trace.end, name)
    return figure.finished(bandwidth_panel(info), mode)


def bandwidth_info(
    header: Header, tally: Tally, breakdown: Breakdown, end: End | None, name: str = RUN
) -> BandwidthInfo:
    """Bytes from the weights and the cache, operations from parameters and nodes."""
    roofline = header.roofline
    verify = breakdown.seconds.verify
    if roofline is None or not tally.tokens or not verify:
        return BandwidthInfo(roofline, {}, [])
    slot = max(0, header.slot_bytes.get("target", 0))
    ours = roofline.traffic(tally.passes, breakdown.nodes, breakdown.slots, slot)
    loads = {name: Load(ours, tally.tokens, verify, "in its target passes")}
    plain = roofline.traffic(tally.tokens, tally.tokens, breakdown.plain_slots, slot)
    if found := _plain_seconds(header, end):
        each, source = found
        loads["plain"] = Load(plain, tally.tokens, each * tally.tokens, source)
    passes = [
        Pass(number, nodes, roofline.traffic(1, nodes, slots, slot), seconds)
        for number, (nodes, slots, seconds) in enumerate(breakdown.passes, start=1)
        if seconds > 0
    ]
    every = -(-len(passes) // MAX_ROUNDS)
    return BandwidthInfo(roofline, loads, passes[::every] if name == RUN else [])


def _plain_seconds(header: Header, end: End | None) -> tuple[float, str] | None:
    """Seconds a token of plain decoding: measured beside the run, else one calibrated pass."""
    plain = end.plain if end else None
    if plain and plain.tokens > 0:
        if each := believed((plain.verify_seconds or 0.0) / plain.tokens):
            return each, "in the passes of plain decoding, same prompt"
        if each := believed(plain.seconds / plain.tokens):
            return each, "in whole rounds of plain decoding, same prompt"
    cost = recorded_cost(header.pass_seconds)
    return (cost(1), "in calibrated passes of one node") if cost else None


def bandwidth_panel(info: BandwidthInfo) -> dict[str, Any]:
    """The roof, a dot for each of the two, and a small one for each round."""
    if info.roofline is None:
        return scale.panel(scale.missing(NOT_MEASURED))
    if not info.loads:
        return scale.panel(scale.missing("no round yet"))
    roof = info.roofline
    shown = [*info.loads.values(), *info.passes]
    places = [load.traffic.intensity for load in shown]
    low, high = min(*places, roof.ridge / 16) / 2, max(*places, roof.ridge) * 4
    speeds = [load.traffic.operations / load.seconds for load in shown]
    bottom, top = min(*speeds, roof.ceiling(low)) / 1.6, max(*speeds, roof.ceiling(high)) * 2
    layout = {
        "margin": {**scale.MARGIN, "l": 52},
        "xaxis": scale.logarithmic(low, high, "operations a byte", scale.decades(low, high)),
        "yaxis": scale.logarithmic(bottom, top, "operations a second", scale.decades(bottom, top)),
        "shapes": scale.lines(scale.decades(bottom, top)),
    }
    data = [_roof(roof, low, high), *(_dot(roof, name, load) for name, load in info.loads.items())]
    legend = [(*look, name) for name, look in LOOKS.items() if name in info.loads]
    if info.passes:
        data.insert(1, _rounds(roof, info.passes))  # behind the dots
        legend.append(("dim", "circle", "its rounds"))
    legend.append(("target", "line", "what this machine reaches"))
    return scale.panel({"data": data, "layout": layout}, _title(info), legend)


def _title(info: BandwidthInfo) -> str:
    """Per token."""
    each = [
        f"{name} {scale.short(load.traffic.moved / load.tokens)}B and "
        f"{scale.short(load.traffic.operations / load.tokens)} op"
        for name, load in info.loads.items()
    ]
    return "a token: " + ", ".join(each)


def _roof(roof: Roofline, low: float, high: float) -> dict[str, Any]:
    """The two ceilings, which meet at the ridge."""
    x = [low, roof.ridge, high]
    hover = (
        f"measured ceilings: {scale.short(roof.bytes_per_second)}B/s, "
        f"{scale.short(roof.operations_per_second)} operations/s; "
        f"they meet at {roof.ridge:.1f} operations a byte"
    )
    drawn = scale.line([_five(v) for v in x], [_five(roof.ceiling(v)) for v in x], "target")
    return drawn | {"name": "roofline", "hovertext": [hover] * 3, "hoverinfo": "text"}


def _rounds(roof: Roofline, passes: list[Pass]) -> dict[str, Any]:
    """Where every round stands: its nodes, what its pass took, how near to the roof it came."""
    speeds = [this.traffic.operations / this.seconds for this in passes]
    ceilings = [roof.ceiling(this.traffic.intensity) for this in passes]
    drawn = scale.dots(
        [_five(this.traffic.intensity) for this in passes], map(_five, speeds), "dim", []
    )
    drawn["marker"] |= {"size": 5, "opacity": 0.6, "line": {"width": 0}}
    del drawn["hovertext"], drawn["hoverinfo"]
    return drawn | {
        "name": "its rounds",
        "customdata": [
            [this.number, this.nodes, _five(1e3 * this.seconds), round(100 * speed / ceiling)]
            for this, speed, ceiling in zip(passes, speeds, ceilings, strict=True)
        ],
        "hovertemplate": "round %{customdata[0]}: nodes %{customdata[1]}, %{customdata[2]} ms, "
        "%{customdata[3]} % of the roof<extra></extra>",
    }


def _dot(roof: Roofline, name: str, load: Load) -> dict[str, Any]:
    traffic, speed = load.traffic, load.traffic.operations / load.seconds
    ceiling = roof.ceiling(traffic.intensity)
    hover = (
        f"{name}: {scale.short(traffic.moved)}B and {scale.short(traffic.operations)} operations "
        f"for {count(load.tokens, 'token')}, {load.seconds:.2f} s {load.source}; "
        f"{100 * speed / ceiling:.0f} % of the roof"
    )
    dot = scale.dots([_five(traffic.intensity)], [_five(speed)], LOOKS[name][0], [hover])
    dot["marker"] |= {"size": 13, "symbol": LOOKS[name][1]}
    return dot | {
        "name": name,
        "mode": "markers+text",
        "text": [name],
        # one above the roof, as measured ceilings leave it, is named on that side of the roof
        "textposition": SIDES[name] if speed < ceiling else "top left",
        "textfont": {"size": SIZES["small"], "color": role("ink")},
    }


def _five(value: float) -> float:
    """Five significant digits."""
    return float(f"{value:.5g}")
