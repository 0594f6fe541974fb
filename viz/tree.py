"""The draft tree: grown level by level, judged node by node, extended by what was emitted.

Levels stand left to right, the root at the left.  A verdict is a colour and a shape; shapes
have traces of their own whose markers grow, since a marker may not change its symbol in a
transition.
"""

from typing import Any

import plotly.graph_objects as go

from engine.records import Round
from viz import figure
from viz.branches import STYLE, Branches
from viz.figure import Figure, Patch
from viz.phases import Step, steps
from viz.pieces import label
from viz.room import BELOW, COLUMN, NOWHERE, layout, room
from viz.theme import HIDDEN, role
from viz.tree_info import TreeInfo, tree_info

MAX_MOVING = 16  # drafted nodes whose edges grow out of their parents; more edges just appear
BLANK = " "  # where a text comes later: one that was empty is not drawn until the step after


def plot_tree(this: Round, mode: str = "light") -> go.Figure:
    """The tree of one round, judged and extended."""
    return figure.finished(tree_panel(tree_info(this), steps(this)), mode)


def tree_panel(info: TreeInfo, order: list[Step]) -> dict[str, Any]:
    """The figure before the first step, and a patch per step."""
    drawing = _Drawing(info)
    return {"figure": drawing.figure(), "steps": [drawing.patch(step) for step in order]}


class _Drawing:
    """Traces, from the back: edges by level, judged edges, nodes by level, verdicts, the extra."""

    def __init__(self, info: TreeInfo) -> None:
        self.info = info
        self.room = room(info)
        self.levels: list[list[int]] = [[] for _ in range(max(info.depth) + 1)]
        for node, depth in enumerate(info.depth):
            self.levels[depth].append(node)
        self.judged = {
            verdict: [i for i in info.tested if info.verdict[i] == verdict] for verdict in STYLE
        }
        self.is_moving = len(info.node) <= MAX_MOVING + 1
        self.texts = [label(piece, self.room.letters) for piece in info.piece]
        self.branches = Branches(info, self.room, self.texts)
        self.first_judged = len(self.levels) - 1
        self.first_node = self.first_judged + len(info.tested) + (info.extra is not None)
        self.first_verdict = self.first_node + len(self.levels)

    def figure(self) -> Figure:
        info = self.info
        data = [
            *(self._edges(level) for level in self.levels[1:]),
            *(self.branches.judged(node) for node in info.tested),
            *([self.branches.extra()] if info.extra else []),
            *(self._nodes(level) for level in self.levels),
            *(self._verdicts(verdict) for verdict in self._shapes()),
            *([self._extra_node()] if info.extra else []),
        ]
        return {"data": data, "layout": layout(info, self.room)}

    def patch(self, step: Step) -> Patch:
        if step.phase == "draft":
            return self._grow(step.level) if step.level < len(self.levels) else []
        if step.phase == "judge":
            return self._judge(step.node)
        if step.phase == "commit":
            nodes = range(self.first_node + 1, self.first_verdict)
            return [[f"data.{trace}.marker.opacity", 0.4] for trace in nodes]
        return self._extend() if step.phase == "emit" and self.info.extra else []

    def _edges(self, level: list[int]) -> dict[str, Any]:
        if self.is_moving:
            return self.branches.level(level, is_short=True)
        return {**self.branches.level(level, is_short=False), "opacity": 0}

    def _nodes(self, level: list[int]) -> dict[str, Any]:
        """One level's nodes, hidden behind their parents; the root is there from the start."""
        info, depth = self.info, self.info.depth[level[0]]
        shown = {"mode": "markers+text", **self._textposition()}
        if depth == 0:
            marker = {"color": role("root"), "size": self.room.size(1.0), "line": {"width": 0}}
            text = [self._text(0)] if self.room.labels else [self.texts[0]]
            font = {"color": role("ink")}
            place = {"x0": 0, "y": [info.row[0]], "text": text, "textfont": font}
            return {**place, "marker": marker, **shown}
        trace = {
            "x0": COLUMN * (depth - 1),
            # in a large tree the nodes come straight from the left: half the coordinates travel
            "y": [info.row[info.parent[i] if self.is_moving else i] for i in level],
            "text": BLANK,
            "marker": {"size": HIDDEN},
            **shown,
        }
        if self.room.labels != BELOW:  # where q is not written above the node
            trace["hoverinfo"] = "all"
            trace["customdata"] = [_rounded(info.draft_prob[node]) for node in level]
        if self.room.labels == NOWHERE:
            trace["hovertext"] = [self.texts[node] for node in level]
            trace["hovertemplate"] = "%{hovertext} q %{customdata}<extra></extra>"
        return trace

    def _textposition(self) -> dict[str, str]:
        return {"textposition": BELOW} if self.room.labels == BELOW else {}

    def _text(self, node: int) -> str:
        """A node's label, and q above it where there is room; the marker is between the lines."""
        if self.room.labels != BELOW:
            return self.texts[node]
        q = self.info.draft_prob[node]
        above = "" if q is None else f"{q:.2f}".removeprefix("0")
        return f"{above or ' '}<br> <br> <br>{self.texts[node]}"

    def _verdicts(self, verdict: str) -> dict[str, Any]:
        """The shapes of one verdict, unseen until their nodes are judged."""
        info, nodes = self.info, self.judged[verdict]
        is_cross = verdict == "rejected"
        line = {"color": role(verdict), "width": 2.2 if is_cross else 0}
        marker = {
            "color": role("panel" if is_cross else verdict),
            "symbol": "square-x" if is_cross else "circle",
            "size": [HIDDEN] * len(nodes),
            "line": line,
        }
        pairs = [[_rounded(info.target_prob[i]), _rounded(info.uniform[i])] for i in nodes]
        return self._marks(
            [COLUMN * info.depth[node] for node in nodes],
            [info.row[node] for node in nodes],
            marker,
            customdata=pairs,
            hoverinfo="all",
            hovertemplate="p %{customdata[0]}, u %{customdata[1]}<extra></extra>",
        )

    def _extra_node(self) -> dict[str, Any]:
        """The emitted token that was not drafted, behind the end of the judged path."""
        extra = self.info.extra
        marker = {"color": role(extra.role), "symbol": "diamond", "size": [HIDDEN]}
        x, y = [COLUMN * self.info.depth[extra.parent]], [self.info.row[extra.parent]]
        return self._marks(x, y, {**marker, "line": {"width": 0}})

    def _marks(self, x: list[int], y: list[int], marker: dict, **more: Any) -> dict[str, Any]:
        font = {"color": role("ink"), "weight": 600}
        return {
            "x": x,
            "y": y,
            "mode": "markers+text",
            "text": [BLANK] * len(x),
            **self._textposition(),
            "textfont": font,
            "marker": marker,
            **more,
        }

    def _grow(self, depth: int) -> Patch:
        info, level = self.info, self.levels[depth]
        trace, edges = f"data.{self.first_node + depth}", f"data.{depth - 1}"
        sizes = [self.room.size(info.draft_prob[node]) for node in level]
        if self.is_moving:
            line = self.branches.level(level, is_short=False)
            patch: Patch = [[f"{edges}.{axis}", line[axis]] for axis in ("x", "y")]
        else:
            patch = [[f"{edges}.opacity", 1]]
        patch += [[f"{trace}.x0", COLUMN * depth], [f"{trace}.marker.size", sizes]]
        if self.is_moving:
            patch.append([f"{trace}.y", [info.row[node] for node in level]])
        if self.room.labels:
            patch.append([f"{trace}.text", [self._text(node) for node in level]])
        return patch

    def _judge(self, node: int) -> Patch:
        if node not in self.info.node:
            return []
        drawn = self.info.node.index(node)
        verdict = self.info.verdict[drawn]
        place = self.judged[verdict].index(drawn)
        trace = self.first_verdict + self._shapes().index(verdict)
        size = self.room.size(self.info.draft_prob[drawn]) + 2
        return [
            [f"data.{self.first_judged + self.info.tested.index(drawn)}.opacity", 1],
            [f"data.{trace}.marker.size.{place}", size],
            [f"data.{trace}.text.{place}", self._below(self.texts[drawn])],
        ]

    def _extend(self) -> Patch:
        info, extra = self.info, self.info.extra
        trace = f"data.{self.first_verdict + len(self._shapes())}"
        return [
            [f"data.{self.first_node - 1}.opacity", 1],
            [f"{trace}.x.0", COLUMN * (info.depth[extra.parent] + 1)],
            [f"{trace}.y.0", extra.row],
            [f"{trace}.marker.size.0", self.room.size(0.5) + 2],
            [f"{trace}.text.0", self._below(label(extra.piece, self.room.letters))],
        ]

    def _shapes(self) -> list[str]:
        """The verdicts that were reached, in the order of their traces."""
        return [verdict for verdict, nodes in self.judged.items() if nodes]

    def _below(self, text: str) -> str:
        return f" <br> <br> <br>{text}" if self.room.labels == BELOW else text


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
