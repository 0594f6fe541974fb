"""The judgement of a node: p, q and the residual over the likeliest tokens at its place.

A row a token, the rest of the mass below, p and q in numbers beside the bars; the node in hand
stands in bold, its verdict is the title.  Where nothing was drafted there is no q; where the
drafts were taken, not drawn, q is 1 for the token in hand, and for no other.  Of a block, whose
tokens are kept together, h decides (Sun et al., 2024, arXiv 2403.10444).
"""

from typing import Any, NamedTuple

import plotly.graph_objects as go

from engine.records import Law, Round
from engine.tree import is_chain
from viz import figure
from viz.decision import decision
from viz.figure import Figure, Patch
from viz.phases import Step, steps
from viz.pieces import label, short, visible
from viz.point_mass import is_taken
from viz.theme import BARS, SIZES, role

ROWS = 5  # tokens; the rest is one row more
LETTERS = 11
NUMBERS = len(BARS)  # the trace of the numbers
NOTE = "layout.annotations.1.text"
START = 1.06  # of the numbers on the axis, behind a bar of 1.00
WIDE = 6  # signs of a number: the least are ".0012" and "1.2e-5"
NOTES = {  # by how the place was drafted, and whether a token is in hand
    ("drawn", True): "",
    ("drawn", False): "",
    ("block", True): "h: the chance to keep all up to this one",
    ("block", False): "",
    ("taken", True): "taken, not drawn: q is 1 for this one",
    ("taken", False): "drafts were taken, not drawn: no q",
    ("nothing", True): "",
    ("nothing", False): "nothing was drafted here",
}
DRAWN = {"recovered": "the residual", "bonus": "p after a full path", "sampled": "p"}
SHIFT = {"target": -0.26, "draft": 0.02, "residual": 0.28}  # within a row, downwards


class Judged(NamedTuple):
    """One place of the judged path: the distributions met there, ``ROWS`` entries and the rest."""

    token: list[int]
    piece: list[str]
    target: list[float]
    draft: list[float]
    residual: list[float]
    kind: str = "drawn"  # a key of ``NOTES``: how the tokens below were drafted


class JudgementInfo(NamedTuple):
    """What was judged in a round: per tested node its place and its words."""

    places: dict[int, Judged]  # by the node whose children are tested there
    words: dict[int, str]  # by tested node
    parent: dict[int, int]
    token: dict[int, int]
    last: str  # the words for the token that was not drafted


def plot_judgement(this: Round, mode: str = "light", is_block: bool = False) -> go.Figure:
    """The last judgement of one round; arguments as for ``judgement_info``."""
    return figure.finished(judgement_panel(judgement_info(this, is_block), steps(this)), mode)


def judgement_info(this: Round, is_block: bool = False) -> JudgementInfo:
    """What the rule met in ``this`` round.

    Args:
        is_block: the run's rule judges whole blocks; a tree that branches is none.
    """
    nodes = this.nodes
    is_block = is_block and is_chain(nodes.parent)
    found = [i for i, v in enumerate(nodes.verdict) if v in ("accepted", "rejected")]
    must = {
        parent: [nodes.token[i] for i in found if nodes.parent[i] == parent]
        for parent in {nodes.parent[i] for i in found}
    }
    return JudgementInfo(
        {law.node: _judged(this, law, must.get(law.node, []), is_block) for law in this.laws},
        {node: decision(this, node, is_block) for node in found},
        {node: nodes.parent[node] for node in found},
        {node: nodes.token[node] for node in found},
        _drawn(this),
    )


def _drawn(this: Round) -> str:
    """What the emitted token was drawn from that was not drafted."""
    origin = this.emitted.origin[-1] if this.emitted.origin else "accepted"
    if origin not in DRAWN:
        return ""
    return f"“{visible(this.piece(this.emitted.token[-1]), 20)}” drawn from {DRAWN[origin]}"


def _judged(this: Round, law: Law, tested: list[int], is_block: bool) -> Judged:
    """The tested tokens and the likeliest others, by p; then the rest."""
    weight = {
        i: (law.token[i] in tested, max(law.target[i], law.draft[i], law.residual[i]))
        for i in range(len(law.token))
    }
    chosen = sorted(
        sorted(weight, key=weight.__getitem__, reverse=True)[:ROWS],
        key=law.target.__getitem__,
        reverse=True,
    )
    columns = [
        [*(column[i] for i in chosen), max(0.0, sum(column) and 1 - sum(column[i] for i in chosen))]
        for column in (law.target, law.draft, law.residual)
    ]
    pieces = [this.piece(law.token[i]) for i in chosen]
    return Judged([law.token[i] for i in chosen], pieces, *columns, _kind(this, law.node, is_block))


def _kind(this: Round, node: int, is_block: bool) -> str:
    if node not in this.nodes.parent:
        return "nothing"
    if is_taken(this, node):
        return "taken"
    return "block" if is_block else "drawn"


def judgement_panel(info: JudgementInfo, order: list[Step]) -> dict[str, Any]:
    """The figure before the first step, a patch and a title per step."""
    patches: list[Patch] = []
    titles: list[str] = []
    drawn: dict[str, Any] = {NOTE: ""}
    for step in order:
        look: dict[str, Any] = {}
        if step.phase == "judge":
            place = info.places.get(info.parent.get(step.node, -1))
            look = _look(place, info.token[step.node]) if place else {}
            titles.append(info.words.get(step.node, ""))
        elif step.phase == "emit":
            look = _look(info.places[max(info.places)]) if info.places else {}
            titles.append(info.last or (titles[-1] if titles else ""))
        else:
            titles.append(titles[-1] if step.phase == "commit" and titles else "")
        patches.append([[path, v] for path, v in look.items() if drawn.get(path) != v])
        drawn |= look
    return {"figure": judgement_figure(), "steps": patches, "titles": titles}


def _look(place: Judged, in_hand: int = -1) -> dict[str, Any]:
    """What a place looks like with a token in hand, by path of the figure."""
    q = _q(place, in_hand)
    residual = [0] * (ROWS + 1) if place.kind == "nothing" else place.residual
    bars = [place.target, [share or 0 for share in q], residual]
    rows = zip(place.target, q, strict=True)
    return {
        **{
            f"data.{i}.x": [round(share, 3) or 0 for share in column]
            for i, column in enumerate(bars)
        },
        f"data.{NUMBERS}.text": [f"{_number(p)} | {_number(share)}" for p, share in rows],
        "layout.yaxis.ticktext": _names(place, in_hand),
        NOTE: NOTES[place.kind, in_hand >= 0],
    }


def _q(place: Judged, in_hand: int) -> list[float | None]:
    """The draft's law as far as there is one; ``None`` prints a dash."""
    if place.kind in ("drawn", "block"):
        return list(place.draft)
    is_taken = place.kind == "taken"
    return [*(1.0 if is_taken and token == in_hand else None for token in place.token), None]


def _number(share: float | None) -> str:
    """As wide as the widest: the numbers stand below each other."""
    return f"{'–' if share is None else short(share):\u2007>{WIDE}}"


def _names(judged: Judged, in_hand: int) -> list[str]:
    names = [
        f"<b>{label(piece, LETTERS)}</b>" if token == in_hand else label(piece, LETTERS)
        for token, piece in zip(judged.token, judged.piece, strict=True)
    ]
    return [*names, "rest"]


def judgement_figure() -> Figure:
    """Bars of no length, the same before every round: its first judgement fills them."""
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "x": [0] * (ROWS + 1),
            "y0": SHIFT[kind],
            "width": 0.25,
            "marker": {"color": role(kind)},
            "name": name,
        }
        for kind, name in BARS
    ]
    numbers = {
        "x0": START,  # within the axis, or nothing is written; from there into the margin
        "y": list(range(ROWS + 1)),
        "mode": "text",
        "text": [" "] * (ROWS + 1),
        "textfont": {"size": SIZES["small"]},
    }
    layout = {
        "xaxis": figure.axis(0, START + 0.001, tickvals=[0, 0.5, 1]),
        "yaxis": figure.axis(
            ROWS + 0.5, -0.5, tickvals=list(range(ROWS + 1)), ticktext=[" "] * (ROWS + 1)
        ),
        # pixels: the numbers are as wide on every screen
        "margin": {"l": 92, "r": 100, "t": 18, "b": 20},
        "annotations": [_heading(START, f"{'p':\u2007>{WIDE}} | {'q':\u2007>{WIDE}}"), _heading(0)],
    }
    return {"data": [*data, numbers], "layout": layout}


def _heading(x: float, text: str = "") -> dict[str, Any]:
    """Words above the rows: what the numbers are, and from the left a note."""
    place = {"x": x, "xanchor": "left", "y": 1, "yref": "paper", "yanchor": "bottom"}
    return {"text": text, "xshift": 0 if text else -88, **place}
