from dataclasses import replace

import pytest

from engine.pass_cost import PassCost, predicted_speed_up
from engine.records import Seconds
from engine.stats import Tally, speed_up
from tests.viz.records import make_round
from tests.viz.runs import COST, COUNTS, of, run, words
from viz.cost import NOT_MEASURED
from viz.numbers import Numbers
from viz.speed_up import plot_speed_up

TABLE = PassCost(tuple(COST), tuple(COST.values()))


def sentence(trace) -> str:
    return Numbers.of(trace)["speed_up"]["note"]


@pytest.mark.parametrize("count", COUNTS.values(), ids=COUNTS)
def test_the_curve_ends_at_what_is_predicted_of_the_runs_own_tree(count):
    trace = run(count)
    figure = plot_speed_up(trace)
    if not count:
        assert not figure.data and "nothing was drafted" in words(figure)
        return
    curve, dot = figure.data
    tally = Tally.of(trace.rounds)
    length = tally.mean_accepted_length.value
    own = predicted_speed_up(TABLE, 10, tally.seconds.draft / count, length)
    assert (curve.x[0], curve.y[0], curve.x[-1]) == (0, 1, 10)
    assert curve.y[-1] == pytest.approx(own, abs=1e-3)
    assert f"{tally.tokens} tokens in {count} target pass" in curve.hovertext[-1]
    assert (dot.x[0], dot.y[0]) == (10, pytest.approx(speed_up(trace.end).value, abs=1e-3))
    assert f"{10 * count} drafted nodes in {count} round" in dot.hovertext[0]


def test_without_a_yardstick_nothing_is_called_measured():
    trace = run(5, plain=False)
    figure = plot_speed_up(trace)
    assert [each.name for each in figure.data] == ["predicted"]
    assert "plain was not measured" in Numbers.of(trace)["speed_up"]["title"]


def test_without_passes_measured_nothing_is_predicted():
    figure = plot_speed_up(run(5, pass_seconds={}))
    assert not figure.data and NOT_MEASURED in words(figure)


def timed(draft: float, accept: float, drafted: int = 10, chance: float = 0.9):
    rounds = [make_round(drafted, s, 41, s, chance=chance) for s in range(20)]
    return [replace(r, seconds=Seconds(draft, 0.03, accept, 0.0)) for r in rounds]


def test_the_sentence_names_what_costs_most():
    assert sentence(of(timed(0.07, 0.0))) == "Drafting takes 70 % of the round."
    assert sentence(of(timed(0.001, 0.0))) == "11 nodes cost 2.2 passes here."
    assert sentence(of(timed(0.001, 0.069))) == "Judging and committing take 69 % of the round."
    assert sentence(of(timed(0.001, 0.0, chance=0.0))).startswith("Drafts rarely hold: 1.00")


def test_drafts_that_hold_but_are_few_are_not_said_to_hold_rarely():
    rounds = [*timed(0.0, 0.0, drafted=0)[:19], replace(timed(0.01, 0.0, chance=1.0)[0], index=19)]
    said = sentence(of(rounds))
    assert said == "Little was drafted: nothing in 19 of 20 rounds."
    few = of(timed(0.001, 0.0), pass_seconds={1: 0.03, 64: 0.03})
    assert sentence(few).startswith("Little holds it back")
    assert sentence(of(timed(0.0, 0.0, drafted=0))).startswith("Nothing was drafted")
    assert sentence(run(0)) == "No round has been timed."


def test_the_sentence_carries_its_numbers_and_owns_what_it_does_not_know():
    rounds = timed(0.07, 0.0)
    hover = Numbers.of(of(rounds))["speed_up"]["note_hover"]
    assert hover == "1.4 s of 2.0 s for all four phases"
    unknown = Numbers.of(of(rounds, pass_seconds={}))["speed_up"]
    assert unknown["note"] == "Drafting takes 70 % of the round."
    assert "was not measured" in unknown["note_hover"]
    quick = Numbers.of(of(timed(0.001, 0.0), pass_seconds={}))["speed_up"]["note"]
    assert quick == "The passes take 97 % of the round; wider ones were not measured apart."


def test_two_hundred_rounds_of_all_sizes_are_one_curve():
    rounds = [make_round(s % 40, s, 41, s) for s in range(200)]
    curve = plot_speed_up(of(rounds)).data[0]
    assert curve.x[-1] == 19.5 and list(curve.x) == sorted(curve.x)


def test_the_curve_ends_above_the_runs_own_dot_where_its_trees_differ():
    """Both stand at nodes a round: half of these rounds have none, and four is their mean."""
    rounds = [make_round(8 * (s % 2), s, 41, s) for s in range(20)]
    curve, dot = plot_speed_up(of(rounds)).data
    assert curve.x[-1] == dot.x[0] == 4
    assert (
        curve.x[:3] == (0, 0.5, 1)
        and "the 2 likeliest nodes of each tree, 1 a" in (curve.hovertext[2])
    )
