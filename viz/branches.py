"""The edges of a draft tree: bent from a parent's label to the child, by verdict where judged."""

from collections.abc import Sequence
from typing import Any

from viz.room import BESIDE, COLUMN, Room
from viz.theme import role
from viz.tree_info import TreeInfo

STYLE = {
    "accepted": {"line": {"color": role("accepted"), "width": 3.2}},
    "rejected": {"line": {"color": role("rejected"), "width": 1.8, "dash": "6px,4px"}},
}


class Branches:
    """Draws the edges of one tree; ``texts`` are the nodes' labels as drawn."""

    def __init__(self, info: TreeInfo, room: Room, texts: Sequence[str]) -> None:
        self.info = info
        self.room = room
        self.texts = texts

    def level(self, nodes: Sequence[int], is_short: bool) -> dict[str, list[int | None]]:
        """The edges to ``nodes`` as one line with gaps; short ones are points on their parents."""
        x: list[int | None] = []
        y: list[int | None] = []
        for node in nodes:
            along, down = self._bend(self.info.parent[node], self.info.row[node])
            x += [along[0]] * 4 if is_short else along
            y += [down[0]] * 4 if is_short else down
            x.append(None)
            y.append(None)
        return {"x": x, "y": y}

    def judged(self, node: int) -> dict[str, Any]:
        """The edge to a tested node in its verdict's style, not seen yet."""
        x, y = self._bend(self.info.parent[node], self.info.row[node])
        return {"x": x, "y": y, "opacity": 0, **STYLE[self.info.verdict[node]]}

    def extra(self) -> dict[str, Any]:
        """The edge to the emitted token that was not drafted, not seen yet."""
        extra = self.info.extra
        x, y = self._bend(extra.parent, extra.row)
        line = {"color": role(extra.role), "width": 3, "dash": "dot"}
        return {"x": x, "y": y, "opacity": 0, "line": line}

    def _bend(self, parent: int, row: int) -> tuple[list[int], list[int]]:
        """Four points from behind the parent's label to ``row`` of the next level."""
        start = COLUMN * self.info.depth[parent]
        end, top = start + COLUMN, self.info.row[parent]
        if self.room.labels == BESIDE:
            width = 14 + 0.61 * self.room.font * len(self.texts[parent])
            start += min(COLUMN - 4, round(COLUMN * width / self.room.column))
        bend = round(0.3 * (end - start))
        return [start, start + bend, end - bend, end], [top, top, row, row]
