"""``tree="auto"`` against tables of acceptance and of costs: what it loses, what it finds.

Rounds are judged by chances that are given, and worth what they emit on average, so that
nothing here is timed and little depends on luck.
"""

import random

import pytest

from engine.config import DecodeConfig
from engine.cost import PassCost
from engine.drafters.drafter import Proposal, root_only
from engine.planner import Planner
from engine.tree import best_paths, chain, children, depths, shape_from_paths
from engine.verify import Judgement

SIZES = (1, 2, 4, 8, 16, 32, 64)
QUICK = PassCost(SIZES, (14.9, 15.9, 18.1, 25.6, 42.6, 72.5, 130.0))  # ms, on two cores
SLOW = PassCost(SIZES, (36.0, 39.0, 44.0, 52.0, 66.0, 93.0, 157.0))
MACHINES = pytest.mark.parametrize("target", [QUICK, SLOW], ids=["quick", "slow"])
LEVEL = PassCost((1, 64), (2.5, 5.0))  # of a draft model
AUTO = DecodeConfig(tree="auto")
ROUNDS, SEEDS = 200, 6


class Chain:
    """Copies chains of 16 for nothing, as lookup does."""

    max_rank, max_depth, draft = 1, 16, None

    def propose(self, planner):
        tokens = tuple(range(17))
        copied = Proposal(tokens, chain(16).parent, (0,) * 17, (None, *(1.0,) * 16))
        return planner.prune(copied)


class Model:
    """Pays for every level, as a draft model does."""

    max_depth, draft = 6, LEVEL

    def __init__(self, max_rank):
        self.max_rank = max_rank

    def propose(self, planner):
        return as_proposal(planner.shape(self.max_depth))


DRAFTERS = pytest.mark.parametrize(
    "drafter", [Chain(), Model(1), Model(3)], ids=["lookup", "draft", "draft_tree"]
)


def as_proposal(shape):
    confidence = (None, *(0.5,) * (len(shape) - 1))
    return Proposal(tuple(range(len(shape))), shape.parent, shape.rank, confidence)


def steady(first: float, later: float | None = None):
    """Acceptance of a node whose elders were refused, by depth and rank."""
    return lambda depth, rank: (first if depth == 1 or later is None else later) * 0.4**rank


def judge(proposal, accepts, rng) -> Judgement:
    """Walk down the tree by luck."""
    path, rejected, below = [0], [], children(proposal.parents)
    while True:
        for rank, child in enumerate(below[path[-1]]):
            if rng.random() < accepts(len(path), rank):
                path.append(child)
                break
            rejected.append(child)
        else:
            return Judgement(tuple(path), tuple(rejected), 1, ())


def emitted(proposal, accepts) -> float:
    """Tokens of a round on average."""
    depth, below = depths(proposal.parents), children(proposal.parents)
    reached = [1.0] * len(depth)
    for node, those in enumerate(below):
        left = reached[node]
        for rank, child in enumerate(those):
            reached[child] = left * accepts(depth[child], rank)
            left -= reached[child]
    return sum(reached)


def seconds(target, draft, drafted, levels, behind=0) -> float:
    """Of a round; the draft model reads what it has missed."""
    if draft is None or not drafted:
        return target(1 + drafted)
    catch_up = draft(1 + behind) - draft(1)
    return target(1 + drafted) + catch_up + levels * draft(max(1, round(drafted / levels)))


def play(target, drafter, accepts_at, seed, rounds=ROUNDS):
    """[(tokens on average, seconds, drafted)] of the rounds of one run."""
    planner, rng = Planner(AUTO, target, drafter.draft, drafter.max_rank), random.Random(seed)
    played, behind = [], 0
    for this in range(rounds):
        accepts, proposal = accepts_at(this), drafter.propose(planner)
        judgement = judge(proposal, accepts, rng)
        drafted, levels = proposal.num_drafted, max(depths(proposal.parents))
        cost = seconds(target, drafter.draft, drafted, levels, behind)
        played.append((emitted(proposal, accepts), cost, drafted))
        planner.learn(proposal, judgement)
        behind = 0 if drafted else behind + len(judgement.path)
    return played


def speed_up(target, played) -> float:
    """Against plain decoding."""
    return target(1) * sum(this[0] for this in played) / sum(this[1] for this in played)


def mean_speed_up(target, drafter, accepts, first=0, rounds=ROUNDS) -> float:
    runs = [play(target, drafter, lambda _: accepts, seed, rounds) for seed in range(SEEDS)]
    return sum(speed_up(target, played[first:]) for played in runs) / SEEDS


def best_speed_up(target, drafter, accepts) -> float:
    """Of the best fixed tree."""

    def chance(depth, rank):
        left = 1.0
        for elder in range(rank):
            left *= 1 - accepts(depth, elder)
        return left * accepts(depth, rank)

    def worth(drafted, levels, tokens):
        return target(1) * tokens / seconds(target, drafter.draft, drafted, levels)

    paths = best_paths(chance, worth, drafter.max_depth, 64, drafter.max_rank)
    proposal = as_proposal(shape_from_paths(paths))
    levels = max(depths(proposal.parents))
    return worth(proposal.num_drafted, levels, emitted(proposal, accepts))


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
    played = play(target, drafter, lambda this: bad if this < 100 else good, seed, 260)
    assert speed_up(target, played[:100]) > 0.97
    assert sum(this[2] > 1 for this in played[100:150]) > 0
    assert speed_up(target, played[190:]) > 0.9 * best_speed_up(target, drafter, good)


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
@pytest.mark.parametrize("seed", range(4))
def test_no_text_whatever_costs_more_than_the_purse_holds(target, drafter, seed):
    """Text that turns against the planner whenever it has learnt something."""
    planner, rng = Planner(AUTO, target, drafter.draft, drafter.max_rank), random.Random(seed)
    spent = plain = behind = 0.0
    for this in range(600):
        proposal = drafter.propose(planner)
        drafted, levels = proposal.num_drafted, max(depths(proposal.parents))
        is_kind = drafted == 1 and seed % 2 or this // 10 % (seed + 1) and drafted < 4
        judgement = judge(proposal, steady(0.9 if is_kind else 0.0), rng)
        spent += seconds(target, drafter.draft, drafted, levels, int(behind))
        plain += len(judgement.path) * target(1)
        assert spent <= plain + 0.75 * target(1) + 0.01 * spent + 1e-6
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
