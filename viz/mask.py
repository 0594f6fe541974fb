"""Who sees whom in the verify pass: every node its ancestors, itself, and the whole prefix."""

from typing import Any, NamedTuple

import plotly.graph_objects as go

from engine.attention.tree_mass import TreeMass
from engine.records import Round
from viz import figure
from viz.cells import KINDS, LIGHT, PREFIX, scale_of
from viz.phases import Step, steps
from viz.pieces import label
from viz.theme import SIZES, role

MAX_DRAWN = 96  # nodes; more would be thinner than a line
MAX_NAMED = 40
SIDE = 230  # pixels the cells are measured for
SHOWN = {"opacity": 1, "hoverinfo": "all"}  # from the verify pass on; see ``cells.CELLS``
NOT_YET = "cells stand here once all is drafted"
SEES = ("sees itself,", "sees its parent", "sees its ancestor")


class MaskInfo(NamedTuple):
    """The mask's nodes in the order of the pass, and the pairs that see each other."""

    piece: list[str]
    seen: list[list[tuple[int, int]]]  # by distance: (node, itself), (node, its parent), ...
    verdict: list[str]
    prefix: int  # cached slots that every node sees
    num_hidden: int
    mass: TreeMass | None  # of the drawn nodes; None where the run did not tell


def plot_mask(this: Round, mode: str = "light") -> go.Figure:
    """The mask of one round's verify pass."""
    return figure.finished(mask_panel(mask_info(this), steps(this)), mode)


def mask_info(this: Round) -> MaskInfo:
    """Who saw whom when ``this`` round was verified."""
    nodes, mass = this.nodes, this.mass
    drawn = min(len(nodes), MAX_DRAWN)
    seen, pairs = [], [(node, node) for node in range(drawn)]
    while pairs:  # step by step upwards, for all nodes at once: such columns deflate well
        seen.append(pairs)
        pairs = [(n, nodes.parent[above]) for n, above in pairs if nodes.parent[above] >= 0]
    return MaskInfo(
        [this.piece(token) for token in nodes.token[:drawn]],
        seen,
        list(nodes.verdict[:drawn]),
        this.start - 1,
        len(nodes) - drawn,
        mass and TreeMass(mass.layer, mass.share[:drawn]),
    )


def mask_panel(info: MaskInfo, order: list[Step]) -> dict[str, Any]:
    """The figure before the first step, a patch and a title per step: verdicts colour whole rows.

    Before the verify pass nothing is seen: it would tell of tokens that are not drafted yet.
    Where the attention's mass on the tree is known (the mean of the last layer's heads), a row
    of the prefix is the paler the more of it the tree takes, unless the page's switch lays
    ``cells.MASSLESS`` over it.
    """
    total = len(info.piece) + info.num_hidden
    part = f"first {len(info.piece)} of " if info.num_hidden else ""
    title = f"verify pass, {part}{total} node{'' if total == 1 else 's'}"
    phases = [step.phase for step in order]
    judged = max(i for i, phase in enumerate(phases) if phase in ("verify", "judge"))
    patches: list[figure.Patch] = [[] for _ in order]
    verify = phases.index("verify")
    patches[verify] += _seen(info)
    patches[judged] = [*patches[judged], ["data.0.colorscale", scale_of(KINDS)]]
    return {
        "figure": {"data": [_cells(info), _prefix(info)], "layout": _layout(info)},
        "steps": patches,
        "titles": [""] * verify + [title] * (len(order) - verify),
    }


def _seen(info: MaskInfo) -> figure.Patch:
    """Cells, prefix and names; the words that stood in their place go."""
    count = len(info.piece)
    upright = count <= 3  # too low for the words to climb: they stand in two lines
    slots = {
        "xref": "x2",
        "x": 0,
        "y": (count - 1) / 2,
        "text": f"{info.prefix}<br>slots" if upright else f"{info.prefix} slots",
        "textangle": 0 if upright else -90,
    }
    cells = [[f"data.{i}.{key}", value] for i in (0, 1) for key, value in SHOWN.items()]
    named = [["layout.yaxis.showticklabels", True]] if count <= MAX_NAMED else []
    return [*cells, *named, ["layout.annotations", [slots]]]


def _cells(info: MaskInfo) -> dict[str, Any]:
    """One picture of all pairs that see each other, in columns: the row's kind is the colour."""
    kinds = ["accepted" if verdict == "root" else verdict for verdict in info.verdict]
    pairs = [pair for step in info.seen for pair in step]
    cells = {
        "type": "heatmap",
        "y": [row for row, _ in pairs],
        "x": [column for _, column in pairs],
        "z": [KINDS.index(kinds[row]) for row, _ in pairs],
        "text": [SEES[min(far, 2)] for far, step in enumerate(info.seen) for _ in step],
    }
    # without gaps a cell is one point of the picture
    return cells if len(info.piece) <= MAX_NAMED else cells | {"xgap": 0, "ygap": 0}


def _prefix(info: MaskInfo) -> dict[str, Any]:
    """The cached slots that every node sees, as a column; paler where the tree is looked at."""
    count = len(info.piece)
    column = {"type": "heatmap", "xaxis": "x2", "x": [0] * count, "y": list(range(count))}
    if info.mass is None:
        return column | {
            "z": [LIGHT] * count,
            "meta": [info.prefix],
            "hovertemplate": f"{PREFIX}<extra></extra>",
        }
    return column | {"z": info.mass.share, "meta": [info.prefix, info.mass.layer + 1]}


def _layout(info: MaskInfo) -> dict[str, Any]:
    count = len(info.piece)
    names = [label(piece, 8) for piece in info.piece]
    font = max(6, min(SIZES["small"], round(0.8 * SIDE / count, 1)))
    side = max(count, 5) - 0.4
    ticks = {"tickvals": list(range(count)), "ticktext": names, "showticklabels": False}
    return {
        "xaxis": figure.axis(-0.6, side, **ticks, domain=[0.22, 1], constraintoward="left"),
        "yaxis": figure.axis(
            side,
            -0.6,
            **ticks,
            tickfont={"size": font},
            anchor="x2",
            scaleanchor="x",
        ),
        "annotations": [
            {"x": 0.2 * side, "y": side / 2, "text": NOT_YET, "font": {"color": role("dim")}}
        ],
        "margin": {"l": 70},
    }
