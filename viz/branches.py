"""The edges of a draft tree, four lines with gaps: drafted, accepted, rejected, and the last one.

Every edge keeps its place in its line; one that is not seen yet is a point on its parent.
"""

from collections.abc import Sequence
from typing import Any

from viz.figure import Patch
from viz.room import BESIDE, COLUMN, Room
from viz.theme import role
from viz.tree_info import TreeInfo

DRAFTED, ACCEPTED, REJECTED, LAST = range(4)  # their traces
STYLE: dict[int, dict[str, Any]] = {
    DRAFTED: {},
    ACCEPTED: {"color": role("accepted"), "width": 3.2},
    REJECTED: {"color": role("rejected"), "width": 1.8, "dash": "6px,4px"},
}
ALONG, DOWN = (0, 0.3, 0.5, 0.7, 1), (0, 0.16, 0.5, 0.84, 1)  # of an edge that leaves level
POINTS = len(ALONG) + 1  # the gap behind an edge included


class Branches:
    """Draws the edges of one tree.

    Args:
        texts: the nodes' labels as one sees them, before Plotly's markup.
        order: the drafted nodes, level by level.
        dash: of the drafted edges.
    """

    def __init__(
        self,
        info: TreeInfo,
        room: Room,
        texts: Sequence[str],
        order: Sequence[int],
        dash: str = "",
    ) -> None:
        self.styles = STYLE | ({DRAFTED: {"dash": dash}} if dash else {})
        self.info = info
        self.room = room
        self.texts = texts
        lines = {DRAFTED: order}
        for trace, verdict in ((ACCEPTED, "accepted"), (REJECTED, "rejected")):
            lines[trace] = [node for node in info.tested if info.verdict[node] == verdict]
        self.lines = lines

    def traces(self) -> list[dict[str, Any]]:
        """The four lines, no edge seen yet."""
        drawn = [
            {**self._line([self.info.parent[n] for n in nodes]), "line": self.styles[trace]}
            for trace, nodes in self.lines.items()
        ]
        extra = self.info.extra
        style = {"color": role(extra.role if extra else "faint"), "width": 3, "dash": "dot"}
        return [*drawn, {**self._line([extra.parent] if extra else []), "line": style}]

    def show(self, trace: int, nodes: Sequence[int]) -> Patch:
        """Let the edges to ``nodes``, neighbours in their line, grow out of their parents."""
        start = POINTS * self.lines[trace].index(nodes[0])
        edges = [self._edge(self.info.parent[node], self.info.row[node]) for node in nodes]
        return _from(trace, start, edges)

    def judge(self, node: int) -> Patch:
        """Let the edge to a tested node grow in its verdict's style."""
        return self.show(ACCEPTED if node in self.lines[ACCEPTED] else REJECTED, [node])

    def extend(self) -> Patch:
        """Let the edge to the emitted token that was not drafted grow."""
        extra = self.info.extra
        return _from(LAST, 0, [self._edge(extra.parent, extra.row)])

    def _line(self, parents: Sequence[int]) -> dict[str, list[float | None]]:
        """A point per edge on its parent, as many times as an edge has points."""
        starts = [(self._start(parent), self.info.row[parent]) for parent in parents]
        return {
            "x": [x for start, _ in starts for x in (*[start] * len(ALONG), None)],
            "y": [y for _, row in starts for y in (*[row] * len(DOWN), None)],
        }

    def _edge(self, parent: int, row: int) -> tuple[list[float], list[float]]:
        """From behind the parent's label to ``row`` of the next level."""
        start, top = self._start(parent), self.info.row[parent]
        wide, high = COLUMN * (self.info.depth[parent] + 1) - start, row - top
        along = [round(start + part * wide) for part in ALONG]
        return along, [_short(top + part * high) for part in DOWN]

    def _start(self, parent: int) -> int:
        start = COLUMN * self.info.depth[parent]
        if self.room.labels == BESIDE:
            letters = len(self.texts[parent]) + (0 if parent else self.room.pad(1.0))
            width = 14 + 0.61 * self.room.font * letters
            start += min(COLUMN - 4, round(COLUMN * width / self.room.column))
        return start


def _from(trace: int, start: int, edges: Sequence[tuple[list[float], list[float]]]) -> Patch:
    """The points of ``edges``, from place ``start`` of their line on."""
    x = [value for along, _ in edges for value in (*along, None)]
    y = [value for _, down in edges for value in (*down, None)]
    return [[f"data.{trace}.x.{start}:", x], [f"data.{trace}.y.{start}:", y]]


def _short(value: float) -> float:
    """A tenth of a unit; whole numbers travel without their point."""
    value = round(value, 1)
    return int(value) if value == int(value) else value
