"""``tree="auto"`` against tables of acceptance and of costs: what it loses, what it finds."""

import random
from itertools import accumulate

import pytest

from engine.config import DecodeConfig
from engine.cost import PassCost
from engine.drafters.drafter import Proposal, root_only
from engine.planning.evidence import Evidence
from engine.planning.planner import Planner, best_prefix
from engine.tree import chain, depths
from engine.verify import Judgement
from tests.engine.played import (
    AUTO,
    LEVEL,
    STEEP,
    Chain,
    Model,
    as_proposal,
    best_speed_up,
    emitted,
    judge,
    mean_speed_up,
    play,
    seconds,
    speed_up,
    steady,
)

SIZES = (1, 2, 4, 8, 16, 32, 64)
QUICK = PassCost(SIZES, (14.9, 15.9, 18.1, 25.6, 42.6, 72.5, 130.0))  # ms, on two cores
SLOW = PassCost(SIZES, (36.0, 39.0, 44.0, 52.0, 66.0, 93.0, 157.0))
MACHINES = pytest.mark.parametrize("target", [QUICK, SLOW], ids=["quick", "slow"])
MEASURED = [[0.6, 0.1, 0.05]] * 4  # chances of heads, by depth and rank
DRAFTERS = pytest.mark.parametrize(
    "drafter",
    [Chain(), Model(1), Model(3), Model(1, STEEP)],
    ids=["lookup", "draft", "draft_tree", "a small draft"],
)


@MACHINES
@DRAFTERS
@pytest.mark.parametrize("accepts", [steady(0), steady(0.1), steady(0.2), steady(0.2, 0.0)])
def test_text_that_does_not_draft_well_loses_two_percent_at_most(target, drafter, accepts):
    assert mean_speed_up(target, drafter, accepts) > 0.98


@MACHINES
@DRAFTERS
@pytest.mark.parametrize("accepts", [steady(0), steady(0.2)])
def test_a_short_run_loses_little_more(target, drafter, accepts):
    assert mean_speed_up(target, drafter, accepts, rounds=64) > 0.97


@MACHINES
@DRAFTERS
def test_text_that_drafts_well_gets_nearly_the_best_fixed_tree(target, drafter):
    accepts = steady(0.8)
    best = best_speed_up(target, drafter, accepts)
    assert best > 1.6
    assert mean_speed_up(target, drafter, accepts, first=36) > 0.95 * best


@MACHINES
@DRAFTERS
@pytest.mark.parametrize("seed", range(3))
def test_text_that_starts_to_draft_well_is_noticed(target, drafter, seed):
    bad, good = steady(0), steady(0.9)
    soon = 180 if drafter.draft is STEEP else 150  # whose trials are dear
    played = play(target, drafter, lambda this: bad if this < 100 else good, seed, soon + 110)
    assert speed_up(target, played[:100]) > 0.97
    assert sum(this[2] > 1 for this in played[100:soon]) > 0
    assert speed_up(target, played[soon:]) > 0.92 * best_speed_up(target, drafter, good)


@MACHINES
@DRAFTERS
@pytest.mark.parametrize("seed", range(3))
def test_text_that_stops_drafting_well_is_left_alone_soon(target, drafter, seed):
    good, bad = steady(0.9), steady(0)
    played = play(target, drafter, lambda this: good if this < 100 else bad, seed)
    drafted = [this[2] for this in played]
    assert min(drafted[50:100]) > 1
    assert sum(map(bool, drafted[150:])) < 25
    assert speed_up(target, played[100:]) > 0.94


@MACHINES
@DRAFTERS
@pytest.mark.parametrize(("known", "allowance"), [(None, 0.75), (MEASURED, 1.5)])
@pytest.mark.parametrize("seed", range(4))
def test_no_text_whatever_costs_more_than_the_budget_holds(target, drafter, seed, known, allowance):
    """Text that turns against the planner whenever it has learnt something."""
    planner = Planner(AUTO, target, drafter.draft, drafter.max_rank, known)
    rng = random.Random(seed)
    spent = plain = behind = 0.0
    for this in range(600):
        proposal = drafter.propose(planner)
        drafted, levels = proposal.num_drafted, max(depths(proposal.parents))
        is_kind = drafted == 1 and seed % 2 or this // 10 % (seed + 1) and drafted < 4
        judgement = judge(proposal, steady(0.9 if is_kind else 0.0), rng)
        spent += seconds(target, drafter.draft, drafted, levels, int(behind))
        plain += len(judgement.path) * target(1)
        assert spent <= plain + allowance * target(1) + 0.01 * spent + 1e-6
        behind = 0 if drafted else behind + len(judgement.path)
        planner.learn(proposal, judgement)


def test_trials_of_what_fails_get_rarer_but_never_end():
    drafted = [this[2] for this in play(QUICK, Model(1), lambda _: steady(0), 0, 400)]
    tried = [this for this, nodes in enumerate(drafted) if nodes]
    gaps = [later - this for this, later in zip(tried, tried[1:], strict=False)]
    assert set(drafted[tried[4] :]) == {0, 1}  # one node is enough to find out
    assert max(gaps[:3]) < min(gaps[-3:]) <= max(gaps[-3:]) < 60


def test_what_was_measured_beforehand_is_where_learning_starts():
    def planned(chances):
        return len(Planner(AUTO, QUICK, LEVEL, 3, chances).shape(6)) - 1

    assert planned([[0.01, 0.0, 0.0]]) == 0
    assert planned([[0.9, 0.05, 0.0]] * 3) > planned([[0.5, 0.1, 0.0]]) > 0
    ranks = Planner(DecodeConfig(tree=6), max_rank=3, chances=[[0.3, 0.3, 0.3], [0.0] * 3])
    assert ranks.shape(6).depth[:4] == (0, 1, 1, 1)


def test_what_was_measured_beforehand_gives_way_to_what_happens():
    planner = Planner(AUTO, QUICK, LEVEL, 1, [[0.9]])
    for _ in range(60):
        proposal = as_proposal(planner.shape(6))
        planner.learn(proposal, judge(proposal, steady(0), random.Random(0)))
    assert len(planner.shape(6)) == 1


def test_a_text_that_is_harder_than_measured_is_harder_at_every_depth():
    """Refusals at the root tell of levels that were never reached."""
    evidence = Evidence(MEASURED)
    deep = evidence.chance(3, 0)
    for _ in range(6):
        evidence.count(1, 0, 0.0, False)
    assert evidence.chance(3, 0) < 0.6 * deep
    easy = Evidence(MEASURED)
    for _ in range(6):
        easy.count(1, 0, 0.0, True)
    assert deep < easy.chance(3, 0) <= 1.0


def test_what_was_measured_beforehand_outlives_bad_luck_at_the_start():
    """Two refused trees are no proof against heads that were right on other texts."""

    def drafts_again(known):
        planner = Planner(AUTO, QUICK, LEVEL, 1, known)
        for _ in range(2):
            proposal = as_proposal(planner.shape(2))
            planner.learn(proposal, judge(proposal, steady(0), random.Random(0)))
        return len(planner.shape(2)) > 1

    assert drafts_again(MEASURED)
    assert not drafts_again(None)


def test_drafting_that_costs_once_a_round_is_planned_deeper_or_not_at_all():
    def planned(once):
        return len(Planner(AUTO, SLOW, None, 1, [[0.7]], once).shape(6)) - 1

    assert 0 < planned(0.0) <= planned(8.0)
    assert planned(80.0) == 0


def test_guesses_of_different_grades_are_learnt_apart():
    planner = Planner(AUTO, QUICK)
    sure = Proposal((0, 1, 2), (-1, 0, 1), (0, 0, 0), (None, 1.0, 1.0))
    for _ in range(40):
        for grade, accepts in ((1, steady(0)), (3, steady(1))):
            pruned = planner.prune(sure, grade)
            planner.learn(pruned, judge(pruned, accepts, random.Random(0)))
    assert planner.prune(sure, 3).num_drafted == 2
    assert planner.prune(sure, 1).num_drafted == 0


def test_nothing_is_tried_where_even_certain_guesses_would_not_pay():
    steep = PassCost((1, 64), (1.0, 64.0))
    played = play(steep, Chain(), lambda _: steady(1), 0, 500)
    assert not any(this[2] for this in played)


def test_a_round_without_a_guess_teaches_nothing():
    planner, other = Planner(AUTO, QUICK, LEVEL), Planner(AUTO, QUICK, LEVEL)
    for _ in range(50):
        planner.learn(root_only([1]), Judgement((0,), (), 5, ()))
    assert planner.shape(6) == other.shape(6)


def test_a_first_draft_that_is_a_trial_and_succeeds_is_learnt_from():
    """No tree pays by what was measured, so that nothing was tested before the trial."""
    planner = Planner(AUTO, QUICK, None, 1, [[0.05]])
    for _ in range(200):
        proposal = as_proposal(planner.shape(6))
        if proposal.num_drafted:
            break
        planner.learn(proposal, Judgement((0,), (), 5, ()))
    assert proposal.num_drafted == 1
    before = planner._evidence[0].chance(1, 0)
    planner.learn(proposal, Judgement((0, 1), (), 5, ()))
    assert planner._evidence[0].chance(1, 0) > before


@pytest.mark.parametrize("catches_up", [True, False])
def test_who_has_nothing_to_catch_up_with_pays_nothing_for_it(catches_up):
    """A row costs a tenth of a pass: 200 of them are more than any budget holds."""
    level = PassCost((1, 64), (0.1, 6.4))
    planner = Planner(AUTO, PassCost((1, 64), (1.0, 1.1)), level, catches_up=catches_up)
    for _ in range(200):
        planner.learn(root_only([1]), Judgement((0,), (), 5, ()))
    assert (len(planner.shape(4)) == 1) == catches_up


def test_of_a_block_that_is_refused_nothing_behind_its_first_node_was_tested():
    """It is refused as one: half of the blocks here, and no node within one that is kept."""
    planner = Planner(AUTO, PassCost((1, 64), (1.0, 4.0)), PassCost((1, 64), (0.1, 0.1)))
    four = as_proposal(chain(4))
    for turn in range(60):
        planner.shape(4)
        kept = Judgement((0, 1, 2, 3, 4), (), 5, ())
        planner.learn(four, kept if turn % 2 else Judgement((0,), (1, 2, 3, 4), 5, ()))
    chances = [planner._evidence[0].chance(depth, 0) for depth in (1, 2, 3)]
    assert 0.4 < chances[0] < 0.6 and min(chances[1:]) > 0.9


CARD = PassCost((1, 8, 16, 32, 64), (2.0, 2.0, 2.0, 2.04, 2.1))  # ms of replayed steps
HEADS = PassCost((1, 64), (0.2, 0.2))


@pytest.mark.parametrize("seed", range(3))
def test_a_steady_planner_keeps_its_tree_and_loses_little(seed):
    """On a card every other shape is captured anew, if it comes again at all."""
    tokens, shapes = {}, {}
    for steadiness in (0.0, 0.03):
        planner = Planner(AUTO, CARD, HEADS, 10, MEASURED)
        planner.steadiness, rng, told, seen = steadiness, random.Random(seed), 0.0, []
        for _ in range(300):
            proposal = as_proposal(planner.shape(6))
            planner.learn(proposal, judge(proposal, steady(0.6), rng))
            seen.append(proposal.parents)
            drafted, levels = proposal.num_drafted, max(depths(proposal.parents))
            told += emitted(proposal, steady(0.6)) / seconds(CARD, HEADS, drafted, levels)
        tokens[steadiness], shapes[steadiness] = told, len({*seen})
    assert shapes[0.03] < 0.35 * shapes[0.0]
    assert tokens[0.03] > 0.97 * tokens[0.0]


def test_a_steady_planner_drafts_nothing_where_nothing_pays():
    planner = Planner(AUTO, CARD, HEADS, 3, MEASURED)
    planner.steadiness, rng = 0.03, random.Random(0)
    drafted = []
    for _ in range(300):
        proposal = as_proposal(planner.shape(6))
        planner.learn(proposal, judge(proposal, steady(0.0), rng))
        drafted.append(proposal.num_drafted)
    assert drafted[0] > 0 and sum(map(bool, drafted[100:200])) < 20
    assert max(drafted[150:]) == 1  # what is tried is small, whatever stood there before
    assert max(depths(as_proposal(planner.shape(0)).parents)) == 0


@pytest.mark.parametrize("seed", range(40))
def test_the_best_size_is_found_though_smaller_ones_are_worth_less_than_those_before(seed):
    """A pass may cost as much for eight nodes as for five, and twice that for nine."""
    rng = random.Random(seed)
    chances = sorted((rng.random() for _ in range(40)), reverse=True)
    cost = list(accumulate(rng.choice((0.0, 0.0, 0.1, 1.5)) for _ in range(41)))
    emitted = list(accumulate(chances, initial=1.0))
    worths = [emitted[size] / (1.0 + cost[size]) for size in range(1, 41)]
    least = rng.choice((0.0, worths[0], 1e9))
    best, size = best_prefix(chances, lambda count, told: told / (1.0 + cost[count]), least)
    if max(worths) <= least:
        assert (best, size) == (least, 0)
    else:
        assert best == pytest.approx(max(worths)) and size == worths.index(max(worths)) + 1
