"""The rules keep the target's law: enumerated exactly in float64, every draft and every coin."""

from itertools import product

import pytest
import torch

from engine.verify import judge, judge_block, residual
from tests.engine.enumeration import outcomes
from tests.engine.law_tables import (
    EXACT,
    Model,
    V,
    chains,
    laws,
    one_hot,
    output_law,
    siblings,
    target_law,
    two_levels,
)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("rule", [judge, judge_block])
def test_a_chain_keeps_the_targets_law(rule, seed, zeros):
    p, q = Model(seed, zeros=zeros), Model(seed + 100, zeros=zeros)
    law = output_law(rule, p, chains(q, 2), q, 3)
    assert (law - target_law(p, 3)).abs().max() < EXACT


@pytest.mark.parametrize("seed", range(6))
def test_block_verification_accepts_no_less_than_token_by_token(seed):
    p, q = Model(seed), Model(seed + 100)

    def accepted(rule) -> float:
        total = 0.0
        for tokens, parents, weight in chains(q, 3):
            arguments = (tokens, parents, laws(q, tokens, parents), laws(p, tokens, parents))
            for outcome in outcomes(rule, len(tokens), *arguments):
                total += weight * outcome.chance * (len(outcome.judgement.path) - 1)
        return total

    assert accepted(judge_block) >= accepted(judge) - EXACT
    assert accepted(judge_block) > 0.1


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("zeros", [False, True])
def test_siblings_without_replacement_keep_the_targets_law(seed, count, zeros):
    p, q = Model(seed, zeros=zeros), Model(seed + 100, zeros=zeros)
    law = output_law(judge, p, siblings(q, count), q, 2)
    assert (law - target_law(p, 2)).abs().max() < EXACT


@pytest.mark.parametrize("seed", range(4))
def test_a_tree_of_two_levels_keeps_the_targets_law(seed):
    p, q = Model(seed), Model(seed + 100)
    law = output_law(judge, p, two_levels(q), q, 3)
    assert (law - target_law(p, 3)).abs().max() < EXACT


@pytest.mark.parametrize("rule", [judge, judge_block])
@pytest.mark.parametrize("chain", list(product(range(V), repeat=2)))
def test_a_chain_of_point_masses_keeps_the_targets_law(rule, chain):
    p = Model(7)
    law = output_law(rule, p, [((0, *chain), (-1, 0, 1), 1.0)], None, 3)
    assert (law - target_law(p, 3)).abs().max() < EXACT


@pytest.mark.parametrize("seed", range(4))
def test_a_tree_of_point_masses_keeps_the_targets_law(seed):
    p = Model(seed)
    tree = ((0, 2, 0, 1, 0), (-1, 0, 0, 1, 1), 1.0)
    law = output_law(judge, p, [tree], None, 3)
    assert (law - target_law(p, 3)).abs().max() < EXACT


@pytest.mark.parametrize("seed", range(4))
def test_at_temperature_0_only_the_targets_own_text_comes_out(seed):
    p, q = one_hot(Model(seed)), Model(seed + 100)
    for rule in (judge, judge_block):
        law = output_law(rule, p, chains(q, 2), q, 3)
        assert law.max() == pytest.approx(1.0, abs=EXACT)
        assert (law - target_law(p, 3)).abs().max() < EXACT


def test_identical_laws_accept_everything():
    p = Model(3)
    for tokens, parents, _ in chains(p, 2):
        both = laws(p, tokens, parents)
        for rule in (judge, judge_block):
            (only,) = outcomes(rule, 3, tokens, parents, both, both)
            assert only.judgement.path == (0, 1, 2)
            assert only.chance == pytest.approx(1.0, abs=EXACT)


def test_disjoint_laws_accept_nothing():
    p = torch.tensor([[0.0, 0.5, 0.5]] * 2, dtype=torch.float64)
    q = torch.tensor([[1.0, 0.0, 0.0]] * 2, dtype=torch.float64)
    for rule in (judge, judge_block):
        judgement = rule((0, 0), (-1, 0), q, p, [0.7, 0.0])
        assert (judgement.path, judgement.rejected, judgement.extra) == ((0,), (1,), 2)


@pytest.mark.parametrize("rule", [judge, judge_block])
def test_an_accepted_end_of_sequence_ends_the_path_and_nothing_is_drawn(rule):
    certain = torch.eye(V, dtype=torch.float64)
    target = certain[[1, 2, 0, 0]]  # the target would go on behind the end
    judgement = rule((0, 1, 2, 0), (-1, 0, 1, 2), None, target, [0.5] * 4, frozenset({2}))
    assert (judgement.path, judgement.extra) == ((0, 1, 2), None)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rule", [judge, judge_block])
def test_texts_that_end_inside_the_draft_keep_their_probability(rule, seed):
    """Behind the end nothing is compared, so the law of texts up to the end must be right."""
    p, q, end = Model(seed), Model(seed + 100), 2
    ended = 0.0
    for tokens, parents, weight in chains(q, 2):
        arguments = (tokens, parents, laws(q, tokens, parents), laws(p, tokens, parents))
        with_end = lambda *a: rule(*a, frozenset({end}))  # noqa: E731
        for outcome in outcomes(with_end, 3, *arguments):
            judgement, chance = outcome.judgement, weight * outcome.chance
            if judgement.extra is None:
                ended += chance * (len(judgement.path) == 2)
            elif len(judgement.path) == 1:
                ended += chance * float(judgement.residuals[-1][end])
    assert ended == pytest.approx(float(p(())[end]), abs=EXACT)


def test_a_residual_without_mass_falls_back_on_the_target():
    p = torch.tensor([0.25, 0.75])
    assert torch.equal(residual(p, p), p)
    assert torch.equal(residual(p, p + 1e-7), p)
