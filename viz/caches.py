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
from viz.pieces import label
from viz.strip import Strip
from viz.theme import role
from viz.writing import slots_by_level

MOST = 2048  # slots that are ever drawn: a tree of the most nodes, and what lags behind it
SHOWN = 64  # slots of a strip, the folded block beside them
FOLD = 4  # slots' width of the folded block, where no more than ``SHOWN`` stand beside it
PITCH = 1.7  # from strip to strip, in slot heights


class CachesInfo(NamedTuple):
    """All caches that took part, on one scale of slots."""

    strips: list[Strip]
    first: int  # the first slot drawn; those before it are folded
    last: int  # one behind the last

    @property
    def fold(self) -> int:
        """Slots' width of the folded block: as wide on the page however many stand beside it."""
        return max(FOLD, FOLD * (self.last - self.first) // SHOWN) if self.first else 0


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
            slots_by_level(this, cache),
        )
        for cache in this.caches
    ]
    last = max((max(s.behind, s.after + s.hole) for s in strips), default=1) + 2
    least = min((s.before for s in strips), default=0)
    return CachesInfo(strips, max(0, min(least - 1, last - SHOWN), last - MOST), last)


def caches_panel(info: CachesInfo, order: list[Step]) -> dict[str, Any]:
    """The figure before the first step, a patch and a title per step.

    Traces per strip: prefix, written, kept, hole, moves, and the folded block's.
    """
    data: list[dict[str, Any]] = []
    patches: list[Patch] = [[] for _ in order]
    for number, strip in enumerate(info.strips):
        base = -PITCH * number if number else 0
        _Drawing(strip, data, base, info.first, info.fold).play(order, patches)
    return {
        "figure": {"data": data, "layout": _layout(info)},
        "steps": patches,
        "titles": _titles(info, order),
    }


def _titles(info: CachesInfo, order: list[Step]) -> list[str]:
    """The caches' stories as far as every step has come."""
    titles, written = [], [0] * len(info.strips)
    for step in order:
        now = zip(written, info.strips, strict=True)
        written = [count + strip.written_at(step) for count, strip in now]
        is_committed = step.phase in ("commit", "emit")
        now = zip(written, info.strips, strict=True)
        titles.append(" · ".join(strip.story(count, is_committed) for count, strip in now))
    return titles


class _Drawing:
    """One strip's traces, added to ``data``, and what becomes of them."""

    def __init__(
        self, strip: Strip, data: list[dict[str, Any]], base: float, first: int, fold: int
    ) -> None:
        self.strip, self.data, self.base, self.first = strip, data, base, first
        tone = "target" if strip.name == "target" else "draft"
        self._run(0, strip.before, tone, "prefix", 0.45)
        self.written = self._run(strip.before, strip.behind, tone, "written", int(self._is_grown))
        if self._is_grown and self.written is not None:
            data[-1]["marker"]["opacity"] = [0] * strip.written
        self.kept = self._run(strip.before, strip.after, "accepted", "kept")
        self.hole = self._run(strip.after, strip.after + strip.hole, "ink", "missing")
        if self.hole is not None:  # hatched: it lies over what was freed
            data[-1]["marker"]["pattern"] = {"shape": "/", "size": 6, "solidity": 0.25}
        self.moves = None
        if strip.moved:
            data.append(_arrows(strip, base))
            self.moves = len(data) - 1
        if first > 0:
            data.append(_fold(first, tone, base, fold))

    def _run(self, start: int, stop: int, colour: str, what: str, opacity: float = 0) -> int | None:
        """Slots of one look; their trace, if there are any behind the fold."""
        start = max(self.first, start)
        if start >= stop:
            return None
        place = {"type": "bar", "x0": start, "y": [1] * (stop - start), "base": self.base}
        look = {"marker": {"color": role(colour)}, "opacity": opacity, "name": what}
        self.data.append({**place, **look})
        return len(self.data) - 1

    @property
    def _is_grown(self) -> bool:
        """Whether slots are written one after the other, not all at once."""
        return len(self.strip.levels) > 1 and 0 < self.strip.written <= MOST

    def play(self, order: list[Step], patches: list[Patch]) -> None:
        """Add this strip's changes to the patches of the steps."""
        seen = 0
        for step, patch in zip(order, patches, strict=True):
            if self.written is not None and (fresh := self.strip.written_at(step)):
                grown = [f"data.{self.written}.marker.opacity.{seen}:", [1] * fresh]
                patch.append(grown if self._is_grown else [f"data.{self.written}.opacity", 1])
                seen += fresh
            if step.phase == "commit":
                patch += self._commit()
            is_freed = self.written is not None and self.strip.after < self.strip.behind
            if step.phase == "emit" and is_freed:
                patch.append([f"data.{self.written}.opacity", 0.2])

    def _commit(self) -> Patch:
        """What was kept lies over the first of the written slots; the others are free."""
        freed = f"data.{self.written}"
        moves: Patch = []
        if self.written is not None and self.strip.after < self.strip.behind:
            moves += [[f"{freed}.marker.color", role("rejected")], [f"{freed}.opacity", 0.5]]
        for trace, opacity in ((self.kept, 1), (self.hole, 1), (self.moves, 1)):
            if trace is not None:
                moves.append([f"data.{trace}.opacity", opacity])
        return moves


def _arrows(strip: Strip, base: float) -> dict[str, Any]:
    """From every moved slot over the strip to where it went; the head points down."""
    x: list[float | None] = []
    y: list[float | None] = []
    for source, to in strip.moved:
        x += [source, (source + to) // 2, to, None]
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


def _fold(first: int, tone: str, base: float, width: int) -> dict[str, Any]:
    """The slots there is no room for, as one block that says how many."""
    return {
        "type": "bar",
        "x": [first - 1 - width // 2],
        "y": [1],
        "base": base,
        "width": width,
        "marker": {"color": role(tone, 0.45)},
        "text": [f"{first} ⋯"],
        "insidetextfont": {"color": role("ink")},
        "name": "prefix",
    }


def _layout(info: CachesInfo) -> dict[str, Any]:
    low = info.first - (info.fold + 1.6 if info.first else 0.6)
    names = [f"{label(strip.name)} {strip.size}".strip() for strip in info.strips]
    rows = [round(0.5 - PITCH * i, 1) for i in range(len(names))]
    return {
        "xaxis": figure.axis(low, max(info.last, info.first + SHOWN) + 0.5, visible=False),
        "yaxis": figure.axis(
            round(-PITCH * max(1, len(names) - 1) - 0.2, 2), 1.65, tickvals=rows, ticktext=names
        ),
        "margin": {"l": 110, "t": 2, "b": 4},
    }
