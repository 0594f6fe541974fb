"""The least width of a tree's picture in which every label can be read."""

from collections.abc import Sequence
from itertools import combinations
from math import ceil
from typing import NamedTuple

from viz.places import ROW

LETTER = 7.2  # pixels of a letter at the size of 12
GAP = 1  # letters between two labels
LEAST_COLUMN = 40  # pixels: two marks and what one sees of the edge between them


class Label(NamedTuple):
    """A text that is centred on its node's level."""

    level: int
    row: int  # in units of ``1 / ROW`` of a leaf's
    letters: int

    def is_beside(self, other: "Label") -> bool:
        """Whether the two may lie over each other: of other levels, less than a row apart."""
        return self.level != other.level and abs(self.row - other.row) < ROW


def least_width(labels: Sequence[Label], left: float, right: float) -> int:
    """Pixels in which no label lies over another one, nor over an edge.

    Args:
        left: columns from level 0 to the left edge.
        right: columns from level 0 to the right edge, beyond the last level.
    """
    letters = [LEAST_COLUMN / LETTER]  # that a column needs, each for another reason
    letters += [label.letters / 2 / (left + label.level) for label in labels]
    letters += [label.letters / 2 / (right - label.level) for label in labels]
    letters += [
        ((one.letters + other.letters) / 2 + GAP) / abs(one.level - other.level)
        for one, other in combinations(labels, 2)
        if one.is_beside(other)
    ]
    return ceil(LETTER * max(letters) * (left + right))
