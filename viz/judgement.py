"""The judgement of a node: p, q and the residual over the likeliest tokens at its place.

A row a token, the rest of the mass below, p and q in numbers beside the bars; the node in hand
stands in bold, its verdict is the title.
"""

from typing import Any, NamedTuple

import plotly.graph_objects as go

from engine.records import Law, Round
from viz import figure
from viz.figure import Patch
from viz.phases import Step, steps
from viz.pieces import label, short, visible
from viz.theme import BARS, SIZES, role

ROWS = 5  # tokens; the rest is one row more
LETTERS = 11
NUMBERS = len(BARS)  # the trace of the numbers
START = 1.06  # of the numbers on the axis, behind a bar of 1.00
DRAWN = {"recovered": "the residual", "bonus": "p after a full path", "sampled": "p"}
SHIFT = {"target": -0.26, "draft": 0.02, "residual": 0.28}  # within a row, downwards


class Judged(NamedTuple):
    """One place of the judged path: the distributions met there, ``ROWS`` entries and the rest."""

    token: list[int]
    piece: list[str]
    target: list[float]
    draft: list[float]
    residual: list[float]


class JudgementInfo(NamedTuple):
    """What was judged in a round: per tested node its place and its words."""

    places: dict[int, Judged]  # by the node whose children are tested there
    words: dict[int, str]  # by tested node
    parent: dict[int, int]
    token: dict[int, int]
    last: str  # the words for the token that was not drafted


def plot_judgement(this: Round, mode: str = "light") -> go.Figure:
    """The last judgement of one round."""
    return figure.finished(judgement_panel(judgement_info(this), steps(this)), mode)


def judgement_info(this: Round) -> JudgementInfo:
    """What the rule met in ``this`` round."""
    nodes = this.nodes
    found = [i for i, v in enumerate(nodes.verdict) if v in ("accepted", "rejected")]
    must = {
        parent: [nodes.token[i] for i in found if nodes.parent[i] == parent]
        for parent in {nodes.parent[i] for i in found}
    }
    return JudgementInfo(
        {law.node: _judged(this, law, must.get(law.node, [])) for law in this.laws},
        {node: _words(this, node) for node in found},
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


def _judged(this: Round, law: Law, tested: list[int]) -> Judged:
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
    shown = [[round(value, 3) for value in column] for column in columns]
    pieces = [this.piece(law.token[i]) for i in chosen]
    return Judged([law.token[i] for i in chosen], pieces, *shown)


def _words(this: Round, node: int) -> str:
    """The verdict in numbers: the uniform against p/q, where that is what decided."""
    nodes = this.nodes
    name = f"“{visible(this.piece(nodes.token[node]), 20)}” {nodes.verdict[node]}"
    p, u = nodes.target_prob[node], nodes.uniform[node]
    if p is None or u is None:
        return name
    law = next((law for law in this.laws if law.node == nodes.parent[node]), None)
    entries = zip(law.token, law.draft, strict=True) if law else ()
    q = dict(entries).get(nodes.token[node])
    if not q:
        return f"{name}: p {short(p)}, u {short(u)}"
    is_below = u * q < p
    # a later sibling is judged by the residual of those before it, a block by all its tokens
    if nodes.rank[node] or is_below != (nodes.verdict[node] == "accepted"):
        return f"{name}: p {short(p)}, q {short(q)}, u {short(u)}"
    return f"{name}: u {short(u)} {'<' if is_below else '≥'} p/q {short(min(p / q, 99))}"


def judgement_panel(info: JudgementInfo, order: list[Step]) -> dict[str, Any]:
    """The figure before the first step, a patch and a title per step."""
    patches: list[Patch] = []
    titles: list[str] = []
    shown: Judged | None = None
    for step in order:
        now, token = shown, -1
        if step.phase == "judge":
            now = info.places.get(info.parent.get(step.node, -1), shown)
            token = info.token.get(step.node, -1)
            titles.append(info.words.get(step.node, ""))
        elif step.phase == "emit":
            now = info.places[max(info.places)] if info.places else None
            titles.append(info.last or (titles[-1] if titles else ""))
        else:
            titles.append(titles[-1] if step.phase == "commit" and titles else "")
        patch = _place(now) if now and now is not shown else []
        if now and step.phase in ("judge", "emit"):
            patch = [*patch, ["layout.yaxis.ticktext", _names(now, token)]]
        shown = now
        patches.append(patch)
    return {"figure": _figure(), "steps": patches, "titles": titles}


def _place(judged: Judged) -> Patch:
    columns = [judged.target, judged.draft, judged.residual]
    pairs = zip(judged.target, judged.draft, strict=True)
    return [
        *([f"data.{i}.x", column] for i, column in enumerate(columns)),
        [f"data.{NUMBERS}.text", [f"{_number(p)} | {_number(q)}" for p, q in pairs]],
    ]


def _number(share: float) -> str:
    """In two decimals, as wide as the widest: the numbers stand below each other."""
    return f"{short(share):\u2007>4}"


def _names(judged: Judged, in_hand: int) -> list[str]:
    names = [
        f"<b>{label(piece, LETTERS)}</b>" if token == in_hand else label(piece, LETTERS)
        for token, piece in zip(judged.token, judged.piece, strict=True)
    ]
    return [*names, "rest"]


def _figure() -> dict[str, Any]:
    """Bars of no length: a round's first judgement fills them."""
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
        "margin": {"l": 92, "r": 76, "b": 20},  # pixels: the numbers are as wide on every screen,
    }
    return {"data": [*data, numbers], "layout": layout}
