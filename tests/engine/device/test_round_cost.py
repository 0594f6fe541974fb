"""What a step costs is timed in the lane that runs get, and is what a header then says."""

import pytest

from engine.attention.tree_attention import use_tree_attention
from engine.config import DecodeConfig
from engine.decoding import Run, decode
from engine.device.graphs import Graphs
from engine.device.round_cost import known_read_cost_of, known_round_cost_of, measure_rounds
from engine.device.tree_buffers import padded_size
from engine.pass_cost import PassCost
from tests.engine.device.test_lanes import fails
from tests.engine.device.test_run import PROMPT, bundle_for
from tests.engine.loops import assert_same, both
from tests.engine.tape import record
from tests.engine.test_audit import BUSHY


@pytest.fixture
def taped(monkeypatch):
    """Every lane captures its steps, by a tape."""
    monkeypatch.setattr("engine.device.lane.graphs_on", lambda _: Graphs(record))


def static_bundle(method):
    bundle = bundle_for(method)
    use_tree_attention(bundle.target)
    bundle.wants_static = True
    return bundle


def test_the_first_run_replays_what_was_captured_while_it_was_timed(taped):
    """The attention's share on the tree too, which a capture without it would never tell."""
    config = DecodeConfig("suffix", 24, tree=3)
    expected, _, _ = both(bundle_for("suffix"), PROMPT, config)
    bundle = static_bundle("suffix")
    bundle.warm_up()
    (lane,) = bundle.lanes
    captured = set(lane.graphs._captured)
    run = decode(bundle, PROMPT, config)
    assert run._lane is lane
    rounds = list(run)
    assert_same(expected, rounds)
    assert any(this.nodes.num_drafted and this.mass for this in rounds)
    assert set(lane.graphs._captured) == captured


def test_a_header_says_what_the_runs_own_loop_takes():
    bundle = static_bundle("plain")
    assert decode(bundle, PROMPT).header.pass_seconds == {}  # a pass of the other loop is no step
    bundle.warm_up()
    steps = decode(bundle, PROMPT).header.pass_seconds
    bundle.wants_static = False
    passes = decode(bundle, PROMPT).header.pass_seconds
    assert steps and passes and steps != passes
    assert type(decode(bundle, PROMPT)) is Run


def test_a_tree_costs_what_the_size_does_that_it_is_padded_to():
    bundle = static_bundle("plain")
    measure_rounds(bundle.target, [2])
    cost = known_round_cost_of(bundle.target)
    for nodes in range(1, cost.nodes[-1] + 1):
        assert cost(nodes) == cost(padded_size(nodes)) > 0
    assert cost.nodes[-1] >= 65 and list(cost.seconds) == sorted(cost.seconds)


def test_nothing_is_kept_of_what_was_timed():
    """Not its tokens, which a penalty would read, and none of its slots."""
    bundle = static_bundle("plain")
    bundle.lanes[:] = [measure_rounds(bundle.target, [2])]
    config = DecodeConfig("plain", 20, repetition_penalty=1.5)
    expected, _, _ = both(bundle_for("plain"), PROMPT, config)
    run = decode(bundle, PROMPT, config)
    assert run._lane.cache.committed == len(PROMPT) - 1
    assert_same(expected, list(run))


def test_a_card_without_room_to_time_steps_says_so_and_decodes(monkeypatch, capsys):
    bundle = static_bundle("plain")
    monkeypatch.setattr("engine.device.round_cost.Lane", lambda *_: fails(lambda: None))
    bundle.warm_up()
    assert capsys.readouterr().err == (
        "rounds were not timed: CUDA out of memory. Tried to allocate 2 GiB.\n"
    )
    assert bundle.lanes == [] and len(list(decode(bundle, PROMPT, DecodeConfig("plain", 5)))) == 5


def test_captures_are_no_part_of_a_rounds_seconds(monkeypatch):
    """By a clock that only captures move."""
    now = [0.0]

    def slow(step):
        now[0] += 5.0
        return record(step)

    monkeypatch.setattr("engine.device.lane.graphs_on", lambda _: Graphs(slow))
    for clock in ("engine.clock", "engine.device.graphs", "engine.device.marks"):
        monkeypatch.setattr(f"{clock}.perf_counter", lambda: now[0])
    run = decode(static_bundle("medusa"), PROMPT, DecodeConfig("medusa", 24, tree=BUSHY))
    seconds = [this.seconds.total for this in run]
    assert now[0] >= 10.0  # the heads' step and the round's
    assert seconds and not any(seconds)


def test_a_plan_counts_with_replayed_passes_where_they_were_timed(monkeypatch):
    bundle = static_bundle("draft")
    asked = DecodeConfig("draft", 8, tree="auto")
    monkeypatch.setattr("engine.drafters.costs.cost_of", lambda _: PassCost((1,), (4.0,)))
    eager = decode(bundle, PROMPT, asked)._planner.budget
    assert (eager.plain, eager.stake(1, 1)) == (4.0, 4.0 + 4.0)
    replayed = {"known_round_cost_of": 1.0, "known_read_cost_of": 0.25}
    for name, seconds in replayed.items():
        cost = PassCost((1, 64), (seconds, seconds))
        monkeypatch.setattr(f"engine.drafters.costs.{name}", lambda _, cost=cost: cost)
    planned = decode(bundle, PROMPT, asked)._planner.budget
    assert (planned.plain, planned.stake(1, 1)) == (1.0, 0.25)
    bundle.wants_static = False
    assert decode(bundle, PROMPT, asked)._planner.budget.plain == 4.0


def test_heads_are_taken_to_gain_by_replays_what_the_target_gains(monkeypatch):
    bundle = static_bundle("eagle2")
    costs = "engine.drafters.costs"
    monkeypatch.setattr(f"{costs}.cost_of", lambda _: PassCost((1,), (4.0,)))
    monkeypatch.setattr(f"{costs}.step_cost_of", lambda _: PassCost((1, 64), (1.0, 1.0)))
    monkeypatch.setattr(f"{costs}.known_round_cost_of", lambda _: PassCost((1, 64), (1.0, 1.0)))
    budget = decode(bundle, PROMPT, DecodeConfig("eagle2", 8, tree="auto"))._planner.budget
    assert (budget.plain, budget.stake(1, 1)) == (1.0, 0.25)


def test_both_models_are_timed_before_the_first_run(taped):
    bundle = static_bundle("draft")
    bundle.warm_up()
    costs = known_round_cost_of(bundle.target), known_read_cost_of(bundle.draft)
    assert all(cost(1) > 0 and cost.nodes[-1] >= 65 for cost in costs)
