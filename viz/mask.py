"""Who sees whom in the verify pass: every node its ancestors, itself, and the whole prefix."""

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
KINDS = {"accepted": "accepted", "rejected": "rejected", "untested": "untested"}


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
    rows: dict[str, list[tuple[int, int]]] = {kind: [] for kind in KINDS}
    for pair in info.seen:
        kind = info.verdict[pair[0]]
        rows["accepted" if kind == "root" else kind].append(pair)
    drawn = [kind for kind, pairs in rows.items() if pairs]
    size = round(min(16.0, 0.82 * SIDE / (count + 1)), 1)
    data = [
        {
            "x": [column for _, column in rows[kind]],
            "y": [row for row, _ in rows[kind]],
            "mode": "markers",
            "marker": {
                "symbol": "square",
                "size": size,
                "color": role("dim"),
                "line": {"width": 0},
            },
            "opacity": 0.1,
        }
        for kind in drawn
    ]
    wide = max(2.0, count / 5)
    data.append(
        {
            "type": "bar",
            "x": [-1 - wide / 2],
            "y": [count],
            "base": -0.5,
            "width": wide,
            "marker": {"color": role("target")},
            "opacity": 0.1,
            "text": [f"{info.prefix} slots"],
            "textangle": -90 if count > 3 else 0,
            "insidetextfont": {"color": role("ink")},
            "name": "prefix",
        }
    )
    total = count + info.num_hidden
    last_judge = max((i for i, s in enumerate(order) if s.phase in ("verify", "judge")), default=0)
    patches: list[figure.Patch] = [[] for _ in order]
    for number, step in enumerate(order):
        if step.phase == "verify":
            patches[number] = [[f"data.{i}.opacity", 1] for i in range(len(drawn))]
            patches[number].append([f"data.{len(drawn)}.opacity", 0.45])
    patches[last_judge] = patches[last_judge] + [
        [f"data.{i}.marker.color", role(KINDS[kind])] for i, kind in enumerate(drawn)
    ]
    return {
        "figure": {"data": data, "layout": _layout(info, count, wide)},
        "steps": patches,
        "title": f"verify pass, {total} node{'' if total == 1 else 's'}",
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
