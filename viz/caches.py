"""The KV caches slot by slot: what a round wrote, what it kept and where that moved.

One strip a cache.  The prefix folds into one block where it is longer than there is room.
"""

from typing import Any, NamedTuple

import plotly.graph_objects as go

from engine.records import Round
from engine.run_facts import Header
from viz import figure
from viz.figure import Patch
from viz.phases import Step, steps
from viz.pieces import label, visible
from viz.theme import role

MOST = 2048  # slots that are ever drawn: a tree of the most nodes, and what lags behind it
SHOWN = 64  # slots of a strip, the folded block beside them
FOLD = 4  # slots' width of the folded block
PITCH = 1.7  # from strip to strip, in slot heights


class Strip(NamedTuple):
    """One cache in one round; slots are absolute, ``first`` is the first that is drawn."""

    name: str
    before: int
    written: int
    after: int
    moved: tuple[tuple[int, int], ...]
    hole: int  # slots that the committed text has and this cache lacks
    slot_bytes: int | None

    @property
    def story(self) -> str:
        """What happened, in numbers."""
        told = f"{visible(self.name)} {self.before} → {self.before + self.written} written"
        return f"{told} → {self.after} kept"

    @property
    def size(self) -> str:
        """The memory of the kept slots; empty where none was reserved when the run began."""
        if self.slot_bytes is None or self.slot_bytes <= 0:
            return ""
        amount = self.after * self.slot_bytes
        unit = next(i for i in range(3) if amount < 1000 * 1024**i or i == 2)
        return f"{amount / 1024**unit:.3g} {('B', 'KiB', 'MiB')[unit]}"


class CachesInfo(NamedTuple):
    """All caches that took part, on one scale of slots."""

    strips: list[Strip]
    first: int  # the first slot drawn; those before it are folded
    last: int  # one behind the last


def plot_caches(header: Header, this: Round, mode: str = "light") -> go.Figure:
    """The caches after one round."""
    return figure.finished(caches_panel(caches_info(header, this), steps(this)), mode)


def caches_info(header: Header, this: Round) -> CachesInfo:
    """What the caches did in ``this`` round."""
    # the last committed token is in no cache: it is the next round's root
    cached = this.start + len(this.emitted) - 1
    strips = [
        Strip(
            cache.name,
            cache.before,
            cache.written,
            cache.after,
            cache.moved,
            max(0, cached - cache.after),
            header.slot_bytes.get(cache.name),
        )
        for cache in this.caches
    ]
    last = max((max(s.before + s.written, s.after + s.hole) for s in strips), default=1) + 2
    least = min((s.before for s in strips), default=0)
    return CachesInfo(strips, max(0, min(least - 1, last - SHOWN), last - MOST), last)


def caches_panel(info: CachesInfo, order: list[Step]) -> dict[str, Any]:
    """The figure before the first step, and a patch per step.

    Traces per strip: prefix, written, kept, freed, hole, moves, and the folded block's.
    """
    data: list[dict[str, Any]] = []
    patches: dict[str, Patch] = {"verify": [], "draft": [], "commit": [], "emit": []}
    for number, strip in enumerate(info.strips):
        _draw(data, patches, info.first, strip, -PITCH * number)
    return {
        "figure": {"data": data, "layout": _layout(info)},
        "steps": _in_order(patches, order),
        "title": " · ".join(strip.story for strip in info.strips),
    }


def _in_order(patches: dict[str, Patch], order: list[Step]) -> list[Patch]:
    """A patch per step: the draft's own cache is written while drafting, the rest in one pass."""
    phases = [step.phase for step in order]
    moves = [patches.get(phase, []) if phase != "draft" else [] for phase in phases]
    writing = phases.index("verify")
    place = max(0, writing - 1)
    moves[place] = patches["draft"] + moves[place]
    return moves


def _draw(
    data: list[dict[str, Any]], patches: dict[str, Patch], first: int, strip: Strip, base: float
) -> None:
    """One strip's traces, and what becomes of them."""
    tone = "target" if strip.name == "target" else "draft"
    behind = strip.before + strip.written

    def run(start: int, stop: int, colour: str, what: str, opacity: float = 0) -> int | None:
        start = max(first, start)
        if start >= stop:
            return None
        place = {"type": "bar", "x0": start, "y": [1] * (stop - start), "base": base}
        data.append({**place, "marker": {"color": role(colour)}, "opacity": opacity, "name": what})
        return len(data) - 1

    def then(phase: str, trace: int | None, key: str, value: Any) -> None:
        if trace is not None:
            patches[phase].append([f"data.{trace}.{key}", value])

    run(0, strip.before, tone, "prefix", 0.45)
    written = run(strip.before, behind, tone, "written")
    kept = run(strip.before, strip.after, "accepted", "kept")
    hole = run(strip.after, strip.after + strip.hole, "recovered", "missing")
    then("draft" if strip.name == "draft" else "verify", written, "opacity", 1)
    if strip.after < behind:  # what was kept lies over its first slots
        then("commit", written, "marker.color", role("rejected"))
        then("commit", written, "opacity", 0.5)
        then("emit", written, "opacity", 0.2)
    then("commit", kept, "opacity", 1)
    then("commit", hole, "opacity", 0.4)
    if strip.moved:
        data.append(_arrows(strip, base))
        then("commit", len(data) - 1, "opacity", 1)
    if first > 0:
        data.append(_fold(first, tone, base))


def _arrows(strip: Strip, base: float) -> dict[str, Any]:
    """From every moved slot over the strip to where it went; the head points down."""
    x: list[float | None] = []
    y: list[float | None] = []
    for source, to in strip.moved:
        x += [source, round((source + to) / 2, 1), to, None]
        y += [base + 1, base + 1.5, base + 1, None]
    sizes = [0, 0, 8, 0] * len(strip.moved)
    return {
        "x": x,
        "y": y,
        "opacity": 0,
        "mode": "lines+markers",
        "line": {"color": role("accepted"), "width": 1.6, "smoothing": 1.2},
        "marker": {
            "symbol": "triangle-down",
            "size": sizes,
            "color": role("accepted"),
            "line": {"width": 0},
        },
    }


def _fold(first: int, tone: str, base: float) -> dict[str, Any]:
    """The slots there is no room for, as one block that says how many."""
    return {
        "type": "bar",
        "x": [first - 1 - FOLD / 2],
        "y": [1],
        "base": base,
        "width": FOLD,
        "marker": {"color": role(tone, 0.45)},
        "text": [f"{first} ⋯"],
        "insidetextfont": {"color": role("ink")},
        "name": "prefix",
    }


def _layout(info: CachesInfo) -> dict[str, Any]:
    low = info.first - (FOLD + 1.6 if info.first else 0.6)
    names = [f"{label(strip.name)} {strip.size}".strip() for strip in info.strips]
    rows = [round(0.5 - PITCH * i, 1) for i in range(len(names))]
    return {
        "xaxis": figure.axis(low, max(info.last, info.first + SHOWN) + 0.5, visible=False),
        "yaxis": figure.axis(
            round(-PITCH * max(1, len(names) - 1) - 0.2, 2), 1.65, tickvals=rows, ticktext=names
        ),
        "margin": {"l": 110, "t": 2, "b": 4},
    }
