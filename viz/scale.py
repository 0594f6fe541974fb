"""Axes of the figures about a whole run: round numbers, faint lines across, a word at the side."""

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import Any

from engine.stats import Ratio
from viz import figure
from viz.theme import SIZES, role

STEPS = (1, 2, 2.5, 5, 10)
PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""))
INTERVALS = "95 % intervals"  # what whiskers are, in a title
MARGIN = {"l": 46, "r": 14, "t": 12, "b": 40}


def ticks(high: float, most: int = 5) -> list[float]:
    """Round numbers from 0 up to ``high``, at most ``most`` of them above 0."""
    if high <= 0:
        return [0]
    rough = high / most
    power = 10.0 ** floor(log10(rough))
    step = next(power * s for s in STEPS if power * s >= rough * (1 - 1e-9))
    return [round(step * i, 10) for i in range(floor(high / step + 1e-9) + 1)]


def linear(low: float, high: float, title: str, values: Sequence[float], **more: Any) -> dict:
    """An axis from ``low`` to ``high`` with ``values`` marked."""
    marked = {"tickvals": list(values), **more}
    return figure.axis(low, high, title=_title(title), **marked)


def logarithmic(low: float, high: float, title: str, values: Sequence[float], **more: Any) -> dict:
    """As ``linear``, on a logarithmic scale; ``low`` and ``high`` are values, not exponents."""
    ends = (round(log10(low), 4), round(log10(high), 4))
    named = {"tickvals": list(values), "ticktext": [short(v) for v in values], **more}
    return figure.axis(*ends, type="log", title=_title(title), **named)


def decades(low: float, high: float) -> list[float]:
    """Powers of ten within a range."""
    return [10.0**k for k in range(ceil(log10(low) - 1e-9), floor(log10(high) + 1e-9) + 1)]


def lines(values: Sequence[float], axis: str = "y") -> list[dict[str, Any]]:
    """Faint lines across the figure at ``values`` of one axis."""
    other = "x" if axis == "y" else "y"
    return [
        {
            "type": "line",
            "layer": "below",
            f"{axis}0": value,
            f"{axis}1": value,
            f"{other}ref": "paper",
            f"{other}0": 0,
            f"{other}1": 1,
            "line": {"color": role("line"), "width": 1},
        }
        for value in values
    ]


def line(x: Sequence[Any], y: Sequence[Any], colour: str, **style: Any) -> dict[str, Any]:
    """A straight line through points."""
    drawn = {"color": role(colour), "width": 2, "shape": "linear", **style}
    return {"type": "scatter", "x": list(x), "y": list(y), "line": drawn}


def dots(x: Sequence[Any], y: Sequence[Any], colour: str, hover: Sequence[str]) -> dict[str, Any]:
    """Filled marks, every one with its words under the pointer."""
    marker = {"color": role(colour), "size": 8, "line": {"color": role("panel"), "width": 1.5}}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": list(x),
        "y": list(y),
        "marker": marker,
        "hovertext": list(hover),
        "hoverinfo": "text",
    }


def whiskers(ratios: Sequence[Ratio]) -> dict[str, Any]:
    """Plotly's ``error_y`` of shares: how far each may be off by chance, at 95 %."""
    shown = [
        (ratio.value or 0.0, *ratio.interval) if ratio.whole else (0, 0, 0) for ratio in ratios
    ]
    return {
        "type": "data",
        "symmetric": False,
        "array": [round(high - value, 4) for value, _, high in shown],
        "arrayminus": [round(value - low, 4) for value, low, _ in shown],
        "color": role("ink"),
        "thickness": 1.2,
        "width": 0,
    }


def within(ratio: Ratio) -> str:
    """The same in words."""
    low, high = ratio.interval
    return f"95 % interval {100 * low:.0f} to {100 * high:.0f} %"


def missing(words: str) -> dict[str, Any]:
    """A figure of nothing but the reason why there is nothing to draw."""
    place = {"x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}
    font = {"size": SIZES["label"], "color": role("dim")}
    bare = figure.axis(0, 1, visible=False)
    layout = {
        "xaxis": bare,
        "yaxis": dict(bare),
        "annotations": [{"text": words, "font": font, **place}],
    }
    return {"data": [], "layout": layout}


def panel(
    drawn: dict[str, Any], title: str = "", legend: Sequence[tuple[str, str, str]] = ()
) -> dict[str, Any]:
    """A figure as it travels; a ``legend`` entry is a role, a shape and a word."""
    entries = [dict(zip(("role", "symbol", "label"), entry, strict=True)) for entry in legend]
    return {"figure": drawn, "steps": [], "title": title, "legend": entries}


def short(value: float) -> str:
    """A number in three digits and a prefix: 1.5 M."""
    if value == 0:
        return "0"
    size, prefix = next((p for p in PREFIXES if abs(value) >= p[0]), (1, ""))
    scaled = value / size
    digits = max(0, 2 - floor(log10(abs(scaled))))
    text = f"{scaled:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text} {prefix}" if prefix else text


def _title(text: str) -> dict[str, Any]:
    return {"text": text, "font": {"size": SIZES["small"], "color": role("dim")}, "standoff": 6}
