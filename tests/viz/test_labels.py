"""Labels stand beside what is drawn, not over it."""

from dataclasses import replace
from itertools import permutations
from random import Random

import pytest

from tests.viz.records import make_round, make_rounds
from tests.viz.runs import ROOF, of
from viz.bandwidth import plot_bandwidth
from viz.least_width import Label, least_width
from viz.phases import steps
from viz.places import ROW
from viz.timeline import timeline_info, timeline_panel
from viz.tree import plot_tree


def plain_bars(plain: float, tokens: int = 3) -> tuple[dict, dict]:
    """The plain steps' trace before the first step, and what the end makes of it."""
    this = next(this for this in make_rounds(40) if len(this.emitted) == tokens)
    panel = timeline_panel(timeline_info(this, plain), steps(this))
    return panel["figure"]["data"][1], dict(panel["steps"][-1])


@pytest.mark.parametrize(
    ("plain", "side"), [(0.001, "outside"), (0.2, "outside"), (5.0, "outside")]
)
def test_what_a_plain_step_takes_stands_behind_its_bar_where_that_is_short(plain, side):
    bars, _ = plain_bars(plain)
    assert bars["textposition"] == side  # a third of the width at the most


def test_of_one_token_a_plain_step_that_fills_the_width_has_its_words_inside():
    assert plain_bars(5.0, tokens=1)[0]["textposition"] == "inside"


def test_in_the_end_the_words_begin_in_the_first_bar_or_stand_behind_the_last():
    for plain, place, side in ((5.0, -1, "inside"), (0.001, 0, "outside")):
        _, end = plain_bars(plain)
        assert end["data.1.textposition"] == side
        assert end["data.1.text"][place].startswith("plain: 3 passes of ")
        assert sum(map(bool, end["data.1.text"])) == 1


def test_how_many_nodes_are_drawn_is_said_above_all_of_them():
    layout = plot_tree(make_round(1000, seed=3, depth=8)).layout
    assert "nodes drawn" in layout.annotations[0].text
    assert layout.annotations[0].yanchor == "bottom" and layout.margin.t >= 20


def test_the_names_below_a_roof_stand_below_their_dots():
    figure = plot_bandwidth(of(make_rounds(5)))
    sides = {trace.name: trace.textposition for trace in figure.data if trace.text}
    assert sides == {"plain": "bottom left", "this run": "bottom right"}


def test_what_is_above_the_roof_has_its_name_above_it_too():
    slow = replace(ROOF, bytes_per_second=1e6, operations_per_second=1e6)
    figure = plot_bandwidth(of(make_rounds(5), roofline=slow))
    assert {trace.textposition for trace in figure.data if trace.text} == {"top left"}


def test_the_least_width_keeps_neighbours_and_edges_apart():
    """Held to the definition: at that width all fit, at one pixel less some do not."""
    rng = Random(3)
    for _ in range(200):
        count = rng.randrange(1, 9)
        labels = [
            Label(level, rng.randrange(3 * ROW), rng.randrange(15))
            for level in range(count + 1)
            for _ in range(2)
        ]
        left, right = 0.4, count + 0.5
        least = least_width(labels, left, right)
        assert fits(labels, left, right, least)
        assert not fits(labels, left, right, least - 1.01)


def fits(labels: list[Label], left: float, right: float, width: float) -> bool:
    """Whether the labels' boxes are within the picture and, in one row, a letter apart."""
    column = width / (left + right)
    boxes = []
    for level, row, letters in labels:
        middle, half = (left + level) * column, letters * 7.2 / 2
        boxes.append((level, row, middle - half, middle + half))
    inside = all(begin >= 0 and end <= width + 1e-6 for _, _, begin, end in boxes)
    apart = all(
        abs(one[1] - other[1]) >= ROW or one[3] + 7.2 <= other[2] + 1e-6
        for one, other in permutations(boxes, 2)
        if one[0] < other[0]
    )
    return inside and apart and column >= 40


def test_a_tree_needs_less_width_than_one_of_long_words():
    this = make_round(8, seed=1)
    long = replace(this, pieces=dict.fromkeys(this.pieces, " unfortunately"))
    short, wide = (plot_tree(each).layout.meta["width"] for each in (this, long))
    assert short < wide <= 700
