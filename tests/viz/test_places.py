"""The tidy layout: leaves in order and apart, parents over the middle of their children."""

from random import Random

from viz.places import ROW, rows


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
