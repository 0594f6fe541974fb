"""The tidy layout: leaves in order and apart, parents over the middle of their children."""

from random import Random

from engine.records import Emitted, Nodes, Round, Seconds
from viz.places import ROW, rows
from viz.room import layout, room
from viz.tree_info import tree_info


def test_a_lone_root_stands_on_the_first_row():
    assert rows([-1], [0]) == [0]


def test_a_chain_is_straight():
    assert rows([-1, 0, 1, 2], [0, 0, 0, 0]) == [0, 0, 0, 0]


def test_siblings_stand_in_the_order_of_their_ranks():
    assert rows([-1, 0, 0, 0], [0, 2, 0, 1]) == [ROW, 2 * ROW, 0, ROW]


def test_a_parent_stands_between_its_first_and_last_child():
    assert rows([-1, 0, 0, 1, 1], [0, 0, 1, 0, 1])[1] == (0 + ROW + 1) // 2


def test_no_two_nodes_of_a_level_stand_in_one_place():
    rng = Random(1)
    for _ in range(50):
        parent = [-1] + [rng.randrange(i) for i in range(1, 60)]
        rank = [parent[:i].count(parent[i]) for i in range(60)]
        depth = [0] * 60
        for node in range(1, 60):
            depth[node] = depth[parent[node]] + 1
        places = list(zip(depth, rows(parent, rank), strict=True))
        assert len(set(places)) == 60


def a_chain(kept: int) -> Round:
    """A chain of three, of which the first ``kept`` are accepted and the next one is refused."""
    verdicts = ("root", *["accepted"] * kept, *["rejected", "untested", "untested"][: 3 - kept])
    none = (None,) * 4
    nodes = Nodes((9, 1, 2, 3), (-1, 0, 1, 2), (0,) * 4, none, none, none, verdicts)
    origin = "bonus" if kept == 3 else "recovered"
    emitted = Emitted(
        (1, 2, 3)[:kept] + (8,), ("accepted",) * kept + (origin,), ("x",) * (kept + 1)
    )
    return Round(0, 1, nodes, emitted, (), (), Seconds(0, 0, 0, 0))


def test_where_a_chain_stands_does_not_tell_how_it_will_be_judged():
    infos = [tree_info(a_chain(kept)) for kept in range(4)]
    assert all(info.row[:4] == [0] * 4 for info in infos)
    ranges = [layout(info, room(info), "level {}", ["four"] * 5) for info in infos]
    assert all(each == ranges[0] for each in ranges)
    assert [info.extra.row for info in infos] == [ROW, ROW, ROW, 0]
