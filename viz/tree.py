"""The draft tree: grown level by level, judged node by node, extended by what was emitted.

Levels stand left to right, the root at the left.  A verdict is a colour and a shape.  Six traces
hold every tree, so that a large one draws as fast as a small one: the edges (``branches``), which
grow from parent to child, nodes, which swell in their places, and marks, which lie over the nodes
and swell when these are judged, since a marker may not change its symbol in a transition.
"""

from typing import Any

import plotly.graph_objects as go

from engine.records import Round
from viz import figure
from viz.branches import DRAFTED, LAST, Branches
from viz.drafting import UNKNOWN, Drafting
from viz.figure import Figure, Patch
from viz.phases import Step, steps
from viz.pieces import escape, label, short, visible
from viz.room import BELOW, BESIDE, COLUMN, layout, room
from viz.theme import HIDDEN, role
from viz.tree_info import TreeInfo, tree_info

NODES, MARKS = LAST + 1, LAST + 2  # their traces
BLANK = " "  # where a text comes later: one that was empty is not drawn until the step after
PAD = "\xa0"
RING = 1.6  # pixels of a drafted node's line; a line would be seen however small its marker
FULL = 24  # letters of a token under the pointer
SHAPE = {"root": "circle", "accepted": "circle", "rejected": "square-x"}
DIAMOND = "diamond"  # whatever was not drafted


def plot_tree(this: Round, mode: str = "light") -> go.Figure:
    """The tree of one round, judged and extended."""
    return figure.finished(tree_panel(tree_info(this), steps(this)), mode)


def tree_panel(info: TreeInfo, order: list[Step], drafting: Drafting = UNKNOWN) -> dict[str, Any]:
    """The figure before the first step, and a patch per step."""
    drawing = _Drawing(info, drafting)
    return {"figure": drawing.figure(), "steps": [drawing.patch(step) for step in order]}


class _Drawing:
    """Points of the nodes: the root, level by level the drafted ones, the extra token.

    Points of the marks: the root, the tested nodes in their order, the extra token.
    """

    def __init__(self, info: TreeInfo, drafting: Drafting) -> None:
        self.info, self.drafting = info, drafting
        self.room = room(info)
        self.order = sorted(range(len(info.node)), key=info.depth.__getitem__)
        self.place = {node: i for i, node in enumerate(self.order)}
        pieces = [*info.piece, info.extra.piece] if info.extra else info.piece
        self.seen = [visible(piece, self.room.letters) for piece in pieces]
        self.texts = [escape(text) for text in self.seen]
        self.branches = Branches(info, self.room, self.seen, self.order[1:], drafting.dash)

    def figure(self) -> Figure:
        data = [*self.branches.traces(), self._nodes(), self._marks()]
        return {"data": data, "layout": self._layout()}

    def _layout(self) -> dict[str, Any]:
        return layout(self.info, self.room, self.drafting.level, self.seen)

    def patch(self, step: Step) -> Patch:
        if step.phase == "draft":
            return self._grow([n for n in self.order if self.info.depth[n] == step.level])
        if step.phase == "judge" and step.node in self.info.node:
            return self._judge(self.info.node.index(step.node))
        if step.phase == "commit":
            return self._commit()
        return self._extend() if step.phase == "emit" and self.info.extra else []

    def _nodes(self) -> dict[str, Any]:
        """All in their places from the start, so that labels need not move; none is seen yet."""
        x, y = self._places(self.order)
        return {
            "x": x,
            "y": y,
            **(self._labels(len(x)) if self.room.labels else {"mode": "markers"}),
            "marker": {"size": [HIDDEN] * len(x), "line": {"width": [0] * len(x)}},
            "hoverinfo": "text",
            "hovertext": [self._hover(0), *[""] * (len(x) - 1)],
        }

    def _places(self, nodes: list[int]) -> tuple[list[int], list[int]]:
        """Columns and rows of ``nodes`` and of the extra one."""
        info, extra = self.info, self.info.extra
        x = [COLUMN * info.depth[node] for node in nodes]
        y = [info.row[node] for node in nodes]
        if extra:
            x, y = [*x, COLUMN * (info.depth[extra.parent] + 1)], [*y, extra.row]
        return x, y

    def _marks(self) -> dict[str, Any]:
        """Shapes that no step changes; the root's is seen from the start."""
        info, extra = self.info, self.info.extra
        x, y = self._places([0, *info.tested])
        roles = [
            "root",
            *(info.verdict[node] for node in info.tested),
            *([extra.role] if extra else []),
        ]
        fills = ["panel" if name == "rejected" else name for name in roles]
        return {
            "x": x,
            "y": y,
            **({"mode": "markers"} if self.room.labels else self._labels(len(x))),
            "marker": {
                "symbol": [SHAPE.get(name, DIAMOND) for name in roles],
                "size": [self.room.size(1.0), *[HIDDEN] * (len(x) - 1)],
                "color": [role(name) for name in fills],
                "line": {
                    "color": [role(name) for name in roles],
                    "width": [0] * len(x),
                },
            },
        }

    def _labels(self, count: int) -> dict[str, Any]:
        """The root's label, and blanks; where there is no room for all, the marks have them."""
        unseen = count - 1
        return {
            "mode": "markers+text",
            "text": [self._text(0), *[BLANK] * unseen],
            "textposition": self.room.labels or BESIDE,
            "textfont": {
                "color": [role("ink"), *[role("dim")] * unseen],
                "weight": [600, *[400] * unseen],
            },
        }

    def _grow(self, level: list[int]) -> Patch:
        if not level:  # of a very large tree that is not drawn whole
            return []
        info, start = self.info, self.place[level[0]]
        nodes = {
            "marker.size": [self.room.size(info.draft_prob[node]) for node in level],
            "marker.line.width": [RING] * len(level),
            "hovertext": [self._hover(node) for node in level],
        }
        if self.room.labels:
            nodes["text"] = [self._text(node) for node in level]
        grown = [[f"data.{NODES}.{key}.{start}:", column] for key, column in nodes.items()]
        return [*self.branches.show(DRAFTED, level), *grown]

    def _judge(self, node: int) -> Patch:
        """Only what Plotly can move: a change of text would draw the tree a second time."""
        mark, place = f"data.{MARKS}.marker", 1 + self.info.tested.index(node)
        # beside a label there is room for the mark's line alone
        size = self.room.size(self.info.draft_prob[node]) + 2 * (self.room.labels != BESIDE)
        moves = [*self.branches.judge(node), [f"{mark}.size.{place}", size]]
        if self.info.verdict[node] == "rejected":
            moves.append([f"{mark}.line.width.{place}", 2.2])
        return moves

    def _commit(self) -> Patch:
        """What was kept stands out, all else steps back."""
        moves: Patch = [[f"data.{NODES}.marker.opacity", 0.45], [f"data.{DRAFTED}.opacity", 0.6]]
        for place, node in enumerate(self.info.tested, 1):
            if not self.room.labels:
                moves.append([f"data.{MARKS}.text.{place}", self.texts[node]])
            if self.info.verdict[node] == "accepted":
                moves += self._emphasised(self.place[node] if self.room.labels else place)
        return moves

    def _extend(self) -> Patch:
        mark = 1 + len(self.info.tested)
        trace, at = (NODES, len(self.order)) if self.room.labels else (MARKS, mark)
        text = self._placed(self.texts[-1], self.room.pad(0.5))
        return [
            *self.branches.extend(),
            [f"data.{MARKS}.marker.size.{mark}", self.room.size(0.5) + 2],
            [f"data.{trace}.text.{at}", text],
            *self._emphasised(at),
        ]

    def _emphasised(self, place: int) -> Patch:
        font = f"data.{NODES if self.room.labels else MARKS}.textfont"
        return [[f"{font}.color.{place}", role("ink")], [f"{font}.weight.{place}", 600]]

    def _text(self, node: int) -> str:
        """A node's label, and how probable the draft found it above, where there is room.

        The marker is between the lines.
        """
        q = self.info.draft_prob[node]
        pad = self.room.pad(1.0) if node == 0 else 0
        return self._placed(self.texts[node], pad, "" if q is None else short(q))

    def _placed(self, text: str, pad: int, above: str = "") -> str:
        """Below the marker, or beside it.

        Plotly leaves room for a node, but none for a mark where there is no node under it.
        """
        if self.room.labels == BELOW:
            return f"{above or ' '}<br> <br> <br>{text}"
        return PAD * pad + text

    def _hover(self, node: int) -> str:
        """The whole token, and the numbers it was drafted and judged by."""
        info = self.info
        columns = [("draft probability", info.draft_prob)]
        if node in info.tested:
            columns += [("p", info.target_prob), ("u", info.uniform)]
        numbers = [
            f"{k} {short(column[node])}" for k, column in columns if column[node] is not None
        ]
        taken = ["taken, not drawn: q 1"] if node in info.taken else []
        return " · ".join((label(info.piece[node], FULL), *numbers, *taken))
