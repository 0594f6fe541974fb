"""A planner's run played against tables of acceptance and of costs: no model, no clock.

Rounds are judged by chances that are given, and worth what they emit on average, so that
little depends on luck.
"""

import random

from engine.config import DecodeConfig
from engine.cost import PassCost
from engine.drafters.drafter import Proposal
from engine.planning.planner import Planner
from engine.tree import best_paths, chain, children, depths, shape_from_paths
from engine.verify import Judgement

LEVEL = PassCost((1, 64), (2.5, 5.0))  # ms of a draft model
STEEP = PassCost((1, 64), (2.3, 17.6))  # of a small one, whose logits are most of a row …
HEADLESS = 0.38  # … and of a row without them so much was measured
AUTO = DecodeConfig(tree="auto")
ROUNDS, SEEDS = 200, 6


class Chain:
    """Copies chains of 16 for nothing, as lookup does on text that repeats itself."""

    max_rank, max_depth, draft = 1, 16, None

    def propose(self, planner):
        tokens = tuple(range(17))
        copied = Proposal(tokens, chain(16).parent, (0,) * 17, (None, *(1.0,) * 16))
        return planner.prune(copied)


class Model:
    """Pays for every level, as a draft model does."""

    max_depth = 6

    def __init__(self, max_rank, draft=LEVEL):
        self.max_rank, self.draft = max_rank, draft

    def propose(self, planner):
        return as_proposal(planner.shape(self.max_depth))


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
    catch_up = HEADLESS * (draft(1 + behind) - draft(1))
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
