"""Who sees whom in the verify pass: every node its ancestors, itself, and the whole prefix."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from engine.records import Round
from viz import figure
from viz.phases import Step, steps
from viz.pieces import label
from viz.theme import SIZES, role

MAX_DRAWN = 96  # nodes; more would be thinner than a line
MAX_NAMED = 40
SIDE = 230  # pixels the cells are measured for
KINDS = ("accepted", "rejected", "untested")


class MaskInfo(NamedTuple):
    """The mask's nodes in the order of the pass, and the pairs that see each other."""

    piece: list[str]
    seen: list[tuple[int, int]]  # (node, an ancestor or itself), row by row
    verdict: list[str]
    prefix: int  # cached slots that every node sees
    num_hidden: int


def plot_mask(this: Round, mode: str = "light") -> go.Figure:
    """The mask of one round's verify pass."""
    return figure.finished(mask_panel(mask_info(this), steps(this)), mode)


def mask_info(this: Round) -> MaskInfo:
    """Who saw whom when ``this`` round was verified."""
    nodes = this.nodes
    drawn = min(len(nodes), MAX_DRAWN)
    seen = []
    for node in range(drawn):
        above = node
        while above >= 0:
            seen.append((node, above))
            above = nodes.parent[above]
    return MaskInfo(
        [this.piece(token) for token in nodes.token[:drawn]],
        seen,
        list(nodes.verdict[:drawn]),
        this.start - 1,
        len(nodes) - drawn,
    )


def mask_panel(info: MaskInfo, order: list[Step]) -> dict[str, Any]:
    """The figure before the first step, and a patch per step: verdicts colour whole rows."""
    count = len(info.piece)
    wide = max(2.0, count / 5)
    total = count + info.num_hidden
    phases = [step.phase for step in order]
    judged = max(i for i, phase in enumerate(phases) if phase in ("verify", "judge"))
    patches: list[figure.Patch] = [[] for _ in order]
    patches[phases.index("verify")] += [
        ["data.0.opacity", 1],
        ["data.1.marker.color", role("target", 0.45)],
    ]
    patches[judged] = [*patches[judged], ["data.0.colorscale", _scale(KINDS)]]
    return {
        "figure": {
            "data": [_cells(info), _prefix(info, count, wide)],
            "layout": _layout(info, count, wide),
        },
        "steps": patches,
        "title": f"verify pass, {total} node{'' if total == 1 else 's'}",
    }


def _cells(info: MaskInfo) -> dict[str, Any]:
    """One picture of all pairs: a row's kind where its node sees the column's, else nothing."""
    count = len(info.piece)
    cells: list[list[int | None]] = [[None] * count for _ in range(count)]
    for row, column in info.seen:
        verdict = info.verdict[row]
        cells[row][column] = KINDS.index("accepted" if verdict == "root" else verdict)
    gap = 2 if count <= MAX_NAMED else 0  # without gaps a cell is one point of the picture
    return {
        "type": "heatmap",
        "z": cells,
        "zmin": 0,
        "zmax": len(KINDS) - 1,
        "colorscale": _scale(["dim"] * len(KINDS)),
        "showscale": False,
        "xgap": gap,
        "ygap": gap,
        "hoverinfo": "none",
        "opacity": 0.1,
    }


def _scale(roles: Sequence[str]) -> list[list[Any]]:
    """A colour a kind, without colours between."""
    count = len(roles)
    ends = [(i / count, (i + 1) / count) for i in range(count)]
    return [[e, role(name)] for name, both in zip(roles, ends, strict=True) for e in both]


def _prefix(info: MaskInfo, count: int, wide: float) -> dict[str, Any]:
    """The cached slots that every node sees, as one block."""
    return {
        "type": "bar",
        "x": [-1 - wide / 2],
        "y": [count],
        "base": -0.5,
        "width": wide,
        "marker": {"color": role("target", 0.1)},
        "text": [f"{info.prefix} slots"],
        "textangle": -90 if count > 3 else 0,
        "insidetextfont": {"color": role("ink")},
        "name": "prefix",
    }


def _layout(info: MaskInfo, count: int, wide: float) -> dict[str, Any]:
    names = [label(piece, 8) for piece in info.piece] if count <= MAX_NAMED else []
    font = max(6.0, min(SIZES["small"], round(0.8 * SIDE / count, 1)))
    side = max(count, 5) - 0.4
    return {
        "xaxis": figure.axis(round(-1.2 - wide, 1), side, visible=False),
        "yaxis": figure.axis(
            side,
            -0.6,
            tickvals=list(range(len(names))),
            ticktext=names,
            tickfont={"size": font},
            scaleanchor="x",
        ),
        "margin": {"l": 70},
    }
