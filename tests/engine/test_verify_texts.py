"""Whole texts, an end of sequence among their tokens: still the target's law, for every rule."""

from collections import defaultdict
from itertools import product

import pytest
import torch

from engine.sampling import draw
from engine.verify import judge, judge_block
from tests.engine.enumeration import outcomes
from tests.engine.law_tables import EXACT, Model, V, chains, laws, siblings, two_levels

END = 2
LENGTH = 3


def target_texts(p, text=(), mass=1.0, found=None) -> dict[tuple[int, ...], float]:
    """Texts of ``LENGTH`` tokens, or up to their end, that begin with ``text``."""
    found = defaultdict(float) if found is None else found
    if len(text) >= LENGTH or END in text:
        found[text[:LENGTH]] += mass
        return found
    for token in range(V):
        target_texts(p, (*text, token), mass * float(p(text)[token]), found)
    return found


def output_texts(rule, p, drafts, q) -> dict[tuple[int, ...], float]:
    """The same from one round and the target's own continuation of it."""
    found = defaultdict(float)
    for tokens, parents, weight in drafts:
        q_laws = None if q is None else laws(q, tokens, parents)
        arguments = (tokens, parents, q_laws, laws(p, tokens, parents))
        ending = lambda *given: rule(*given, frozenset({END}))  # noqa: E731
        for chance, judgement in outcomes(ending, len(tokens), *arguments):
            path = tuple(tokens[node] for node in judgement.path[1:])
            assert END not in path[:-1], "something was kept behind the end"
            assert (judgement.extra is None) == (END in path)
            if END in path:
                found[path[:LENGTH]] += weight * chance
                continue
            for token, mass in enumerate(judgement.residuals[-1].tolist()):
                target_texts(p, (*path, token), weight * chance * mass, found)
    return found


def assert_same(found, expected):
    for text in found.keys() | expected.keys():
        assert found[text] == pytest.approx(expected[text], abs=EXACT)
    assert sum(found.values()) == pytest.approx(1.0, abs=EXACT)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("rule", [judge, judge_block])
@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_chain_with_ends_in_it(rule, length, zeros, seed):
    p, q = Model(seed, zeros=zeros), Model(seed + 100, zeros=zeros)
    assert_same(output_texts(rule, p, chains(q, length), q), target_texts(p))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("drafts", [lambda q: siblings(q, 2), lambda q: siblings(q, 3), two_levels])
def test_a_tree_with_ends_in_it(drafts, seed):
    p, q = Model(seed), Model(seed + 100)
    assert_same(output_texts(judge, p, drafts(q), q), target_texts(p))


@pytest.mark.parametrize("seed", range(5))
def test_a_tree_of_point_masses_with_ends_inside_and_behind_them(seed):
    tree = ((0, END, 0, 1, END, 0), (-1, 0, 0, 1, 2, 2), 1.0)
    p = Model(seed)
    assert_same(output_texts(judge, p, [tree], None), target_texts(p))


@pytest.mark.parametrize("chain", list(product(range(V), repeat=3)))
def test_a_block_of_point_masses_with_ends_in_it(chain):
    p = Model(8)
    drafts = [((0, *chain), (-1, 0, 1, 2), 1.0)]
    assert_same(output_texts(judge_block, p, drafts, None), target_texts(p))


def accepted(rule, p, q) -> float:
    """Drafted tokens that a chain of two keeps on average."""
    total = 0.0
    for tokens, parents, weight in chains(q, 2):
        arguments = (tokens, parents, laws(q, tokens, parents), laws(p, tokens, parents))
        for chance, judgement in outcomes(rule, 3, *arguments):
            total += weight * chance * (len(judgement.path) - 1)
    return total


def test_a_block_keeps_no_less_than_token_by_token_in_every_case():
    gains = []
    for seed in range(200):
        p, q = Model(seed, zeros=seed % 2 == 0), Model(seed + 1000)
        gains.append(accepted(judge_block, p, q) - accepted(judge, p, q))
    assert min(gains) > -EXACT
    assert sum(gains) / len(gains) > 0.01


def test_the_draw_behind_the_path_is_from_the_last_residual():
    p, q = Model(4), Model(104)
    for tokens, parents, _ in two_levels(q):
        arguments = (tokens, parents, laws(q, tokens, parents), laws(p, tokens, parents))
        for last in (0.0, 0.3, 0.99):
            judgement = judge(*arguments, [last, 0.9, 0.2, 0.7, 0.4])
            assert judgement.extra == draw(judgement.residuals[-1], last)
            assert len(judgement.residuals) == len(judgement.path)


@pytest.mark.parametrize("rule", [judge, judge_block])
def test_laws_of_half_precision_noise_never_give_what_has_no_mass(rule):
    """fp32 laws that agree but for rounding: residuals of no mass, ratios a little over 1."""
    rng = torch.Generator().manual_seed(0)
    for seed in range(200):
        p = torch.rand(2, 8, generator=rng) * (torch.rand(2, 8, generator=rng) > 0.4) + 1e-30
        p = p / p.sum(-1, keepdim=True)
        q = p * (1 + 1e-7 * torch.randn(2, 8, generator=rng))
        q = q / q.sum(-1, keepdim=True)
        uniforms = torch.rand(2, generator=rng, dtype=torch.float64).tolist()
        token = draw(q[0], float(torch.rand(1, generator=rng)))
        judgement = rule((0, token), (-1, 0), q, p, uniforms)
        row = judgement.path[-1]
        assert float(p[row][judgement.extra]) > 0, seed
        assert all(bool(law.isfinite().all()) for law in judgement.residuals)
