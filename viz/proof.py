"""How often tokens came out of thousands of verifications, against the target's law.

A wide bar is what the law expects, with whiskers of twice the standard deviation; the narrow one
in it is what came out.  Colours tell the two apart and nothing else: the verdict is in words.
"""

from math import sqrt
from typing import Any, NamedTuple

import plotly.graph_objects as go

from engine.proof.results import Fit
from viz import figure
from viz.pieces import escape, visible
from viz.scale import ticks
from viz.theme import FONT, SIZES, role

ROWS = 8  # tokens with a bar of their own; the rest is one bar more
LETTERS = {"first": 8, "bonus": 8, "pair": 14}
ROOM = 1.18  # above the highest bar


class FitInfo(NamedTuple):
    """Shares of the tokens that have a bar, most expected first, and of the rest."""

    piece: list[str]
    expected: list[float]
    deviation: list[float]  # twice the standard deviation of the observed share
    observed: list[float]
    hover: list[str]


def plot_fit(fit: Fit, mode: str = "light") -> go.Figure:
    """One place of a proof."""
    return figure.finished({"figure": fit_figure(fit_info(fit)), "steps": []}, mode)


def fit_info(fit: Fit) -> FitInfo:
    """The counts of ``fit`` as shares of all that were counted."""
    total = max(1, fit.counted)
    pieces = [visible(piece, LETTERS[fit.place]) for piece in fit.piece[:ROWS]]
    expected, observed = list(fit.expected[:ROWS]), list(fit.observed[:ROWS])
    others = len(fit.piece) - len(pieces) + fit.pooled_tokens
    if others and fit.counted:
        pieces.append("rest")
        expected.append(max(0.0, fit.counted - sum(expected)))
        observed.append(fit.counted - sum(observed))
    names = [f"“{visible(piece, 40)}”" for piece in fit.piece[:ROWS]]
    names.append(f"{others:,} other {'pairs' if fit.place == 'pair' else 'tokens'}")
    hover = [
        f"{name}: {count:,} of {fit.counted:,} came out, {wanted:,.1f} expected"
        for name, count, wanted in zip(names, observed, expected, strict=False)
    ]
    shares = [wanted / total for wanted in expected]
    return FitInfo(
        pieces,
        [round(share, 5) for share in shares],
        [round(2 * sqrt(max(0.0, s * (1 - s)) / total), 5) for s in shares],
        [round(count / total, 5) for count in observed],
        hover,
    )


def fit_figure(info: FitInfo) -> figure.Figure:
    """The bars as they travel."""
    places = list(range(len(info.piece)))
    heights = [a + b for a, b in zip(info.expected, info.deviation, strict=True)]
    top = ROOM * max([*heights, *info.observed, 0.01])
    expected = {
        "type": "bar",
        "name": "expected by the target's law",
        "x": places,
        "y": info.expected,
        "width": 0.84,
        "marker": {"color": role("target", 0.3), "line": {"color": role("target"), "width": 1.2}},
        "hoverinfo": "skip",
    }
    whiskers = {  # over both bars
        "type": "scatter",
        "mode": "markers",
        "x": places,
        "y": info.expected,
        "marker": {"size": 7, "symbol": "line-ew-open", "color": role("ink")},
        "error_y": {
            "type": "data",
            "array": info.deviation,
            "color": role("ink"),
            "thickness": 1.5,
            "width": 5,
        },
        "hoverinfo": "skip",
    }
    observed = {
        "type": "bar",
        "name": "came out",
        "x": places,
        "y": info.observed,
        "width": 0.4,
        "marker": {"color": role("dim", 0.5)},  # the whiskers over it are to be seen
        "hovertext": [escape(words) for words in info.hover],
        "hoverinfo": "text",
    }
    return {"data": [expected, observed, whiskers], "layout": _layout(info, places, top)}


def _layout(info: FitInfo, places: list[int], top: float) -> dict[str, Any]:
    marks = ticks(top)
    words = {"family": FONT, "size": SIZES["small"]}
    return {
        "margin": {"l": 40, "r": 8, "t": 8, "b": 26},
        "xaxis": figure.axis(
            -0.6,
            max(len(places), 4) - 0.4,
            tickvals=places,
            ticktext=[escape(piece) for piece in info.piece],
        ),
        "yaxis": figure.axis(
            0,
            top,
            tickvals=marks,
            ticktext=[f"{100 * share:g} %" for share in marks],
            tickfont=words,
        ),
    }
