"""How much room a tree's nodes have: where their labels stand, how large all is drawn."""

from collections.abc import Sequence
from math import ceil, sqrt
from typing import Any, NamedTuple

from engine.tree import is_chain
from viz import figure
from viz.least_width import Label, least_width
from viz.pieces import short
from viz.places import ROW
from viz.tree_info import TreeInfo

COLUMN = 16  # units between two levels: fine enough for the bends, two digits in most trees
WIDTH, HEIGHT = 700, 470  # pixels that the text is measured for
LEAST_COLUMNS = 3  # levels that a smaller tree leaves room for
ROOMY_ROWS = 6  # leaves that leave room for text above and below the nodes, on a phone too
LABELLED_ROWS = 54  # leaves that leave room for any
LEAST_LETTERS = 4  # fewer say nothing
NAMED, NUMBERED = 56, 26  # pixels of a column that "level 3" needs, and "3"
LETTER = 0.6  # a letter's width, of the font's size
BESIDE_LETTER = 7.2  # pixels of a letter where labels stand in a row
LEFT, RIGHT = 0.4, 0.5  # columns before the first level and behind the last …
RIGHT_BESIDE = 0.6  # … and where labels stand beside their nodes
SWELL = 2  # pixels that a mark's radius is larger than its node's, and a gap
BESIDE, BELOW, NOWHERE = "middle right", "middle center", ""


class Room(NamedTuple):
    """How much room a node has."""

    labels: str  # their place
    font: float
    letters: int
    column: float  # pixels
    small: float  # pixels across a node without probability
    large: float  # further pixels at probability 1

    def size(self, probability: float | None) -> int:
        """Pixels across a node."""
        return round(self.small + self.large * sqrt(0.3 if probability is None else probability))

    def pad(self, probability: float) -> int:
        """Letters that half a mark takes from the label beside it."""
        return ceil((self.size(probability) / 2 + SWELL) / (LETTER * self.font))


def room(info: TreeInfo) -> Room:
    """Labels as dense as the tree allows."""
    column = WIDTH / (max(LEAST_COLUMNS, columns(info)) + 0.8)
    if info.num_rows <= ROOMY_ROWS:
        return Room(BELOW, 12, max(4, min(14, int(column / BESIDE_LETTER) - 1)), column, 10, 14)
    font = max(7.5, min(12, round(HEIGHT / info.num_rows * 0.85, 1)))
    letters = min(12, int(0.58 * column / (LETTER * font)))
    has_labels = info.num_rows <= LABELLED_ROWS and letters >= LEAST_LETTERS
    return Room(
        BESIDE if has_labels else NOWHERE,
        font,
        max(LEAST_LETTERS, letters),
        column,
        0.4 * font,
        0.7 * font,
    )


def columns(info: TreeInfo) -> int:
    """Levels, the extra node's included; of a chain always one more, or its end would be told."""
    if is_chain(info.parent):
        return max(info.depth) + 1
    return max(max(info.depth), info.depth[info.extra.parent] + 1 if info.extra else 0)


def layout(info: TreeInfo, room: Room, level: str, seen: Sequence[str]) -> dict[str, Any]:
    """Axes that hold the whole tree from the first step on; small trees stand in the middle.

    Args:
        level: the name of a level, by its number.
        seen: the nodes' labels, the extra node's last.
    """
    count = columns(info)
    wide, high = max(0, LEAST_COLUMNS - count) / 2, max(0, 4 - info.num_rows) / 2
    names = {k: _name(k, room.column, level) for k in _named(count, room)}
    left, right = LEFT + wide, (RIGHT if room.labels == BELOW else RIGHT_BESIDE) + wide
    width = WIDTH
    if room.labels == BELOW:
        width = min(WIDTH, least_width(_labels(info, seen, names), left, count + right))
    drawn: dict[str, Any] = {
        "xaxis": figure.axis(
            round(-left * COLUMN, 1),
            round((count + right) * COLUMN, 1),
            tickvals=[COLUMN * k for k in names],
            ticktext=list(names.values()),
        ),
        "yaxis": figure.axis(
            round((info.num_rows - 0.4 + high) * ROW, 1),
            round(-(0.6 + high) * ROW, 1),
            visible=False,
        ),
        "margin": {"b": 24},
        "font": {"size": room.font},
        "meta": {"height": HEIGHT, "column": COLUMN, "width": width},  # in less it is drawn smaller
    }
    if info.num_hidden:
        whole = len(info.node) + info.num_hidden
        text = f"{len(info.node)} of {whole} nodes drawn"
        place = {"x": 1, "y": 1, "xref": "paper", "yref": "paper", "xanchor": "right"}
        drawn["annotations"] = [{"text": text, **place, "yanchor": "bottom"}]
        drawn["margin"]["t"] = 20  # above all nodes
    return drawn


def _labels(info: TreeInfo, seen: Sequence[str], names: dict[int, str]) -> list[Label]:
    """The nodes', the extra one's, and the levels' names, whose row is nobody's neighbour."""
    drafted = [
        Label(info.depth[i], info.row[i], max(len(seen[i]), len(_above(info, i))))
        for i in range(len(info.node))
    ]
    axis = [Label(k, (info.num_rows + 1) * ROW, len(name)) for k, name in names.items()]
    if not info.extra:
        return [*drafted, *axis]
    place = (info.depth[info.extra.parent] + 1, info.extra.row)
    # of a chain as if it followed the last one: its real place would tell where the chain breaks
    level, row = (columns(info), 0) if is_chain(info.parent) else place
    return [*drafted, *axis, Label(level, row, len(seen[-1]))]


def _above(info: TreeInfo, node: int) -> str:
    """The probability above a node."""
    q = info.draft_prob[node]
    return "" if q is None else short(q)


def _named(count: int, room: Room) -> range:
    return range(0, count + 1, 1 if room.column >= NUMBERED else 5)


def _name(number: int, column: float, level: str) -> str:
    if number == 0:
        return "root"
    return level.format(number) if column >= NAMED else str(number)
