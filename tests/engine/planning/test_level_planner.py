"""``tree="auto"`` of dynamic trees: whole runs on a machine whose costs are given."""

import pytest

from engine.config import DecodeConfig
from engine.decoding import Run
from engine.drafters.children import Children
from engine.drafters.drafter import Proposal
from engine.drafters.dynamic import Dynamic
from engine.drafters.eagle2 import Eagle2
from engine.pass_cost import PassCost
from engine.planning.budget import SPARE
from engine.planning.level_planner import LevelPlanner
from engine.verify import Judgement
from tests.engine.heads.oracle import PROMPT, Oracle, oracle_bundle

MILD = PassCost((1, 2, 4, 8, 16, 64), (1.0, 1.05, 1.1, 1.3, 2.0, 8.0))
CHEAP = PassCost((1, 10), (0.03, 0.06))
DEAR = PassCost((1, 10), (0.4, 0.8))
LENGTH = 400
AUTO = DecodeConfig(max_new_tokens=LENGTH, tree="auto")


def played(is_right, confidence, draft=CHEAP):
    """(seconds by the tables against plain, reads round by round, rounds) of one run."""
    bundle, text = oracle_bundle(LENGTH)
    oracle = Oracle(text, is_right, confidence)

    def build(order):
        planner = LevelPlanner(order.config, MILD, draft, 10)
        children = Children(oracle.attached.vocab, order.sampler)
        dynamic = Dynamic(planner, children, "auto")
        return planner, Eagle2(oracle, planner, children, dynamic)

    run = Run(bundle, PROMPT, AUTO, build)
    rounds = list(run)
    assert [*PROMPT, *run.generated] == text
    verified = sum(MILD(len(this.nodes)) for this in rounds)
    drafted = sum(draft(width) for reads in oracle.reads for width in reads)
    return (verified + drafted) / LENGTH, oracle.reads, rounds


def test_a_head_that_is_right_is_followed_deep():
    share, reads, rounds = played(lambda _: True, 0.9)
    assert LENGTH / len(rounds) > 5 and share < 0.45
    assert max(map(len, reads)) == Eagle2.max_depth


@pytest.mark.parametrize("confidence", [0.9, 0.5, 0.1])
def test_a_head_that_is_never_right_costs_next_to_nothing_however_sure_it_is(confidence):
    share, reads, _ = played(lambda _: False, confidence)
    assert share < 1 / 0.97 and reads


@pytest.mark.parametrize("draft", [CHEAP, DEAR])
@pytest.mark.parametrize("every", [2, 3, 5])
def test_a_head_that_is_right_now_and_then_never_loses(every, draft):
    share, _, _ = played(lambda place: place % every != 0, 0.7, draft)
    assert share < 1 / 0.97


def test_levels_that_cost_more_are_drafted_less():
    def levels_a_draft(draft):
        _, reads, _ = played(lambda place: place % 4 != 0, 0.8, draft)
        return sum(map(len, reads)) / len(reads)

    assert levels_a_draft(DEAR) < 0.5 * levels_a_draft(CHEAP)


def test_a_head_that_doubts_is_not_asked_to_go_on():
    """Right everywhere, but sure only at every third place: levels end with the confidence."""
    _, sure, _ = played(lambda _: True, 0.9)
    _, doubtful, _ = played(lambda _: True, 0.15)
    mean = [sum(map(len, reads)) / len(reads) for reads in (sure, doubtful)]
    assert mean[0] > mean[1]


def proposal(*confidence):
    count = len(confidence)
    parents = tuple(range(-1, count))
    return Proposal((0,) * (count + 1), parents, (0,) * (count + 1), (None, *confidence))


def test_reading_on_is_worth_its_cost_or_not():
    for draft, is_worth in ((CHEAP, True), (PassCost((1,), (5.0,)), False)):
        planner = LevelPlanner(AUTO, MILD, draft, 4)
        planner.shape(6)
        assert bool(planner.worth_reading(proposal(0.95), 1)) == is_worth
    planner = LevelPlanner(AUTO, MILD, CHEAP, 4)
    planner.shape(6)
    assert not planner.worth_reading(proposal(0.001), 1)


def test_levels_that_were_read_are_paid_for_also_where_nothing_of_them_is_kept():
    """A budget that forgot them would let a doubtful head lose what it likes."""

    def left(reads):
        planner = LevelPlanner(AUTO, MILD, DEAR, 4)
        planner.shape(6)
        for nodes in reads:
            planner.budget.note_read(nodes)
        planner.learn(proposal(0.5), Judgement((0,), (1,), 5, ()))
        return planner.budget.left

    assert left([1]) == pytest.approx(left([]))
    assert left([1, 10]) == pytest.approx(left([1]) - DEAR(10) * (1 - SPARE))
