"""What a run comes apart into, counted by hand and against ``Tally`` on made-up runs."""

import pytest

from engine.breakdown import Breakdown, places
from engine.pass_cost import PassCost
from engine.records import Emitted, Nodes, Round, Seconds
from engine.stats import Ratio, Tally
from tests.viz.records import make_rounds

FLAT = PassCost((1, 64), (0.01, 0.01))
LINEAR = PassCost((1, 64), (0.01, 0.64))
SEEN = Seconds(0.01, 0.02, 0.001, 0.001)


def tree(emitted: int = 3) -> Round:
    """Two children of the root, the second accepted, and a chain below it: 0.3 | 0.6 - 0.5 - 0.9.

    The first child is rejected, the last node of the chain too; where the first token ends the
    text, what hangs below it is untested.
    """
    below = ("accepted", "rejected") if emitted > 1 else ("untested", "untested")
    return Round(
        index=0,
        start=11,
        nodes=Nodes(
            token=(5, 6, 7, 8, 9),
            parent=(-1, 0, 0, 2, 3),
            rank=(0, 0, 1, 0, 0),
            draft_prob=(None, 0.3, 0.6, 0.5, 0.9),
            target_prob=(None, 0.1, 0.7, 0.6, 0.0),
            uniform=(None, 0.9, 0.2, 0.1, 0.5),
            verdict=("root", "rejected", "accepted", *below),
        ),
        emitted=Emitted(
            (7, 8, 4)[:emitted],
            ("accepted", "accepted", "recovered")[:emitted],
            ("g", "h", "d")[:emitted],
        ),
        laws=(),
        caches=(),
        seconds=SEEN,
    )


def of(rounds) -> Breakdown:
    found = Breakdown()
    for this in rounds:
        found.add(this)
    return found


def test_places_go_by_the_probability_down_to_a_node_and_parents_come_first():
    # 0.3 | 0.6, 0.30, 0.27: node 1 and node 3 tie, the lower number is first
    assert places(tree().nodes) == [0, 2, 1, 3, 4]


def test_counts_of_one_tree_are_those_counted_by_hand():
    found = of([tree()])
    assert found.origins == [(2, 1, 0, 0)]
    assert dict(found.tested) == {(1, 0): 1, (1, 1): 1, (2, 0): 1, (3, 0): 1}
    assert {key for key, count in found.accepted.items() if count} == {(1, 1), (2, 0)}
    assert found.acceptance(1) == [[(1, 2), (1, 1), (0, 1)]]
    assert found.acceptance(3) == [[(0, 1), (1, 1), (0, 1)], [(1, 1), (0, 0), (0, 0)]]
    assert (found.nodes, found.slots) == (5, 10 + 5)
    assert found.plain_slots == 11 + 12 + 13


def test_a_probability_on_a_border_belongs_to_the_tenth_below():
    bins = of([tree()]).calibration
    counted = {i: each.accepted for i, each in enumerate(bins) if each.accepted.whole}
    assert counted == {2: (0, 1), 4: (1, 1), 8: (1, 2)}


def test_a_later_sibling_has_of_the_draft_what_it_has_of_the_rest():
    """It is tested once 0.3 are refused: 0.6 of the 0.7 that are left, beside the 0.9 below."""
    ninth = of([tree()]).calibration[8]
    assert ninth.probability.part == pytest.approx(0.6 / 0.7 + 0.9)


def test_a_smaller_tree_would_have_kept_what_stands_among_its_nodes():
    found = of([tree()])
    lengths = [found.length_of(size) for size in range(6)]
    assert lengths == [(1, 1), (2, 1), (2, 1), (3, 1), (3, 1), (3, 1)]


def test_a_token_cut_from_the_text_is_not_lost_by_a_smaller_tree():
    found = of([tree(emitted=1)])  # the path's first token ended the text
    assert [found.length_of(size).part for size in range(4)] == [1, 1, 1, 1]


def test_predicted_speed_ups_are_the_formula_at_every_size():
    predicted = dict(of([tree()]).speed_ups(LINEAR))
    assert predicted[0] == 1.0
    assert predicted[1] == pytest.approx(2 * 0.01 / (0.02 + 0.01))
    assert predicted[3] == pytest.approx(3 * 0.01 / (0.04 + 0.01))
    assert max(predicted) == 4


def test_no_pass_is_wider_than_its_own_tree():
    small, large = make_rounds(1, 2)[0], make_rounds(1, 30)[0]
    mixed = dict(of([small, large]).speed_ups(LINEAR))[30]
    length = of([small, large]).length_of(30).value
    draft = (small.seconds.draft + large.seconds.draft) / 2
    assert mixed == pytest.approx(length * 0.01 / ((0.03 + 0.31) / 2 + draft))


@pytest.mark.parametrize("seed", range(5))
def test_the_parts_add_up_to_the_tally(seed):
    rounds = make_rounds(40, 12, seed)
    found, tally = of(rounds), Tally.of(rounds)
    assert sum(map(sum, found.origins)) == tally.tokens
    assert tuple(found.acceptance(1)[0]) == tally.acceptance_by_depth
    assert sum(each.accepted.whole for each in found.calibration) == sum(tally.tested)
    assert found.running_length[-1] == tally.mean_accepted_length
    assert found.length_of(12) == tally.mean_accepted_length
    assert found.length_of(0) == Ratio(40, 40)
    lengths = [found.length_of(size).part for size in range(13)]
    assert lengths == sorted(lengths)
    assert [size for size, _ in found.speed_ups(FLAT)] == list(range(13))


def test_a_run_without_drafts_predicts_nothing():
    assert of(make_rounds(3, 0)).speed_ups(FLAT) == []
    assert of([]).speed_ups(FLAT) == []
    assert of([]).length_of(4).value is None
