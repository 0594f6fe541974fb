"""Where the edges of a tree leave their parents' labels."""

from dataclasses import replace

import pytest

from tests.viz.records import make_round
from viz.phases import steps
from viz.room import BESIDE, room
from viz.tree import tree_panel
from viz.tree_info import tree_info

WIDE = make_round(40, seed=1, depth=4)  # so many leaves that labels stand beside their nodes


def starts(piece: str) -> set[float]:
    """Where the edges begin if every token looks like ``piece``."""
    this = replace(WIDE, pieces=dict.fromkeys(WIDE.pieces, piece))
    assert room(tree_info(this)).labels == BESIDE
    panel = tree_panel(tree_info(this), steps(this))
    return {x for x in panel["figure"]["data"][0]["x"] if x is not None}


@pytest.mark.parametrize(("markup", "plain"), [("&&", "aa"), ("<div>", "xdivx")])
def test_an_edge_starts_behind_its_label_as_it_is_seen(markup, plain):
    assert starts(markup) == starts(plain) != starts("a" * 9)
