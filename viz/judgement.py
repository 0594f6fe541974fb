"""The judgement of a node: p, q and the residual over the likeliest tokens at its place.

A row a token, the rest of the mass below, p and q in numbers beside the bars; the token in hand
stands in bold, its verdict is the title.  Where nothing was drafted there is no q; where the
drafts were taken, not drawn, q is 1 for the token in hand, and for no other.  A residual is drawn
only where it stood: see ``viz.residual``.  Of a block, whose tokens are kept together, h decides
(Sun et al., 2024, arXiv 2403.10444).
"""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import plotly.graph_objects as go

from engine.records import Round
from viz import figure
from viz.figure import Figure, Patch
from viz.judgement_info import Judged, JudgementInfo, judgement_info
from viz.later_sibling import Later
from viz.phases import Step, steps
from viz.pieces import label, short
from viz.theme import BARS, SIZES, role

ROWS = 5  # tokens; the rest is one row more
LETTERS = 11
NUMBERS = len(BARS)  # the trace of the numbers
NOTE = "layout.annotations.1.text"
RESIDUAL_PATH = "data.2.x"
NUMBERS_PATH = f"data.{NUMBERS}.text"
NAMES_PATH = "layout.yaxis.ticktext"
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
P_LEFT = "q is 1 for this one; residual: p left"  # of taken tokens, once one was refused
UNKNOWN = "no law is recorded here"  # as behind the end of what a block has kept
SHIFT = {"target": -0.26, "draft": 0.02, "residual": 0.28}  # within a row, downwards


def plot_judgement(this: Round, mode: str = "light", is_block: bool = False) -> go.Figure:
    """The last judgement of one round; arguments as for ``judgement_info``."""
    return figure.finished(judgement_panel(judgement_info(this, is_block), steps(this)), mode)


def judgement_panel(info: JudgementInfo, order: list[Step]) -> dict[str, Any]:
    """The figure before the first step, a patch and a title per step."""
    patches: list[Patch] = []
    titles: list[str] = []
    drawn = _blank("")
    for step in order:
        look: dict[str, Any] = {}
        if step.phase == "judge":
            place = info.places.get(info.parent.get(step.node, -1))
            look = _tested(info, place, step.node) if place else _blank(UNKNOWN)
            titles.append(info.words.get(step.node, ""))
        elif step.phase == "emit":
            look = _drawn(info.places[max(info.places)], info.last_token) if info.places else {}
            titles.append(info.last or (titles[-1] if titles else ""))
        else:
            titles.append(titles[-1] if step.phase == "commit" and titles else "")
        patches.append([[path, v] for path, v in look.items() if drawn.get(path) != v])
        drawn |= look
    return {"figure": judgement_figure(), "steps": patches, "titles": titles}


def _tested(info: JudgementInfo, place: Judged, node: int) -> dict[str, Any]:
    """A place with the token in hand of ``node``, and what was left of p there."""
    if node in info.later:
        return _tested_later(info.later[node], place, info.token[node])
    token, left = info.token[node], info.left.get(node)
    residual = [left.of(each) if left else 0.0 for each in place.token]
    look = _look(place, token, residual, _first(place.order, place, token), is_tested=True)
    return look | {NOTE: P_LEFT} if left and place.kind == "taken" else look


def _tested_later(later: Later, place: Judged, token: int) -> dict[str, Any]:
    """The same behind refused siblings: q anew, and of r what the record tells."""
    place = place._replace(draft=later.drafts(place.token, place.draft))
    rows = _first(place.order, place, token)
    own = [_bar(later.left or 0) if place.token[i] == token else 0 for i in rows]
    look = _look(place, token, [0.0] * len(place.token), rows, is_tested=True)
    return look | {RESIDUAL_PATH: [*own, 0], NOTE: later.note}


def _drawn(place: Judged, token: int) -> dict[str, Any]:
    """The last place with the token drawn there; -1 where the path has ended the text.

    What it was drawn from is in its rows, the likeliest first.
    """
    is_residual = token >= 0 and place.kind != "nothing"
    law = place.residual if is_residual else place.target
    order = sorted(range(len(law)), key=law.__getitem__, reverse=True)
    rows = sorted(_first(order, place, token), key=order.index)
    return _look(place, token, law if is_residual else [0.0] * len(law), rows)


def _look(
    place: Judged, token: int, residual: list[float], rows: list[int], is_tested: bool = False
) -> dict[str, Any]:
    """What a place looks like by path of the figure, with a token in hand or drawn at its end."""
    p, q = _with_rest(place.target, rows), _q(place, token if is_tested else -1, rows)
    bars = [p, [share or 0 for share in q], _with_rest(residual, rows)]
    return {
        **{f"data.{i}.x": [_bar(share) for share in column] for i, column in enumerate(bars)},
        NUMBERS_PATH: [f"{_number(p)} | {_number(share)}" for p, share in zip(p, q, strict=True)],
        NAMES_PATH: _names(place, rows, token),
        NOTE: NOTES[place.kind, is_tested],
    }


def _blank(note: str) -> dict[str, Any]:
    """A place of which no law is recorded, and what stands before the first."""
    bars = {f"data.{i}.x": [0] * (ROWS + 1) for i in range(len(BARS))}
    words = [" "] * (ROWS + 1)
    return {**bars, NUMBERS_PATH: words, NAMES_PATH: words, NOTE: note}


def _first(order: Sequence[int], place: Judged, token: int) -> list[int]:
    """The entries that have a row, by p: ``token``'s and the first others of ``order``."""
    own = [place.token.index(token)] if token in place.token else []
    others = (i for i in order if i not in own)
    return sorted([*own, *islice(others, ROWS - len(own))])


def _with_rest(column: list[float], rows: list[int]) -> list[float]:
    """The shares of ``rows``, and what the whole law has beside them."""
    shares = [column[i] for i in rows]
    return [*shares, max(0.0, sum(column) and 1 - sum(shares))]


def _q(place: Judged, in_hand: int, rows: list[int]) -> list[float | None]:
    """The draft's law as far as there is one; ``None`` prints a dash."""
    if place.kind in ("drawn", "block"):
        return list(_with_rest(place.draft, rows))
    is_taken = place.kind == "taken"
    return [*(1.0 if is_taken and place.token[i] == in_hand else None for i in rows), None]


def _bar(share: float) -> float:
    """Its length, to a pixel: what two places tell costs a third less to send."""
    return round(share, 2 if share >= 0.01 else 3) or 0


def _number(share: float | None) -> str:
    """As wide as the widest: the numbers stand below each other."""
    return f"{'–' if share is None else short(share):\u2007>{WIDE}}"


def _names(place: Judged, rows: list[int], bold: int) -> list[str]:
    names = [(place.token[i], label(place.piece[i], LETTERS)) for i in rows]
    return [*(f"<b>{name}</b>" if token == bold else name for token, name in names), "rest"]


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
