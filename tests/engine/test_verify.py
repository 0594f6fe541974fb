"""The rules keep the target's law: enumerated exactly in float64, every draft and every coin."""

from itertools import permutations, product

import pytest
import torch

from engine.verify import judge, judge_block, residual, without
from tests.engine.enumeration import extend, outcomes

V = 3
EXACT = 1e-12


class Model:
    """A table of laws by text: p(text) [V]; ``sharp`` is how uneven they are."""

    def __init__(self, seed: int, sharp: float = 1.5, zeros: bool = False):
        rng = torch.Generator().manual_seed(seed)
        self.table = {}
        for length in range(4):
            for text in product(range(V), repeat=length):
                logits = torch.randn(V, generator=rng, dtype=torch.float64) * sharp
                if zeros:
                    logits[int(torch.randint(V, (1,), generator=rng))] = -torch.inf
                self.table[text] = logits.softmax(-1)

    def __call__(self, text) -> torch.Tensor:
        return self.table[tuple(text)]


def one_hot(model: Model) -> Model:
    """The same model at temperature 0."""
    for text, law in model.table.items():
        model.table[text] = torch.nn.functional.one_hot(law.argmax(), V).double()
    return model


def target_law(p: Model, length: int) -> torch.Tensor:
    law = torch.zeros((V,) * length, dtype=torch.float64)
    for text in product(range(V), repeat=length):
        law[text] = torch.stack([p(text[:i])[text[i]] for i in range(length)]).prod()
    return law


def laws(model: Model, tokens, parents) -> torch.Tensor:
    """[N, V] the model's law behind every node."""
    texts = [()]
    for node in range(1, len(tokens)):
        texts.append((*texts[parents[node]], tokens[node]))
    return torch.stack([model(text) for text in texts])


def chains(q: Model, length: int):
    """Every chain a draft model may draw, with its probability."""
    for text in product(range(V), repeat=length):
        weight = float(torch.stack([q(text[:i])[text[i]] for i in range(length)]).prod())
        if weight:
            yield (0, *text), tuple(range(-1, length)), weight


def output_law(rule, p: Model, drafts, q: Model | None, length: int) -> torch.Tensor:
    law = torch.zeros((V,) * length, dtype=torch.float64)
    for tokens, parents, weight in drafts:
        q_laws = None if q is None else laws(q, tokens, parents)
        arguments = (tokens, parents, q_laws, laws(p, tokens, parents))
        for outcome in outcomes(rule, len(tokens), *arguments):
            path = [tokens[node] for node in outcome.judgement.path[1:]]
            extend(law, path, outcome.judgement, weight * outcome.chance, p)
    return law


def siblings(q: Model, count: int):
    """Roots with ``count`` children drawn in turn without replacement, and their chance."""
    count = min(count, int((q(()) > 0).sum()))  # the mass may run out before
    for drawn in permutations(range(V), count):
        weight, rest = 1.0, q(())
        for token in drawn:
            weight *= float(rest[token])
            rest = without(rest, token)
        if weight:
            yield (0, *drawn), (-1, *(0,) * count), weight


def two_levels(q: Model):
    """A root with two children, and below the first of them two more."""
    for tokens, _, weight in siblings(q, 2):
        law = q((tokens[1],))
        for below in permutations(range(V), 2):
            chance = float(law[below[0]] * without(law, below[0])[below[1]])
            if chance:
                yield (*tokens, *below), (-1, 0, 0, 1, 1), weight * chance


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


# Negative controls: the same enumeration must see well-known mistakes, and by how much.


def _judge_without_renormalising(tokens, parents, q, p, uniforms):
    """Siblings drawn without replacement, q zeroed but not renormalised."""
    r, law = p[0], q[0]
    for node in range(1, len(tokens)):
        if uniforms[node] * float(law[tokens[node]]) < float(r[tokens[node]]):
            return judge(tokens[:1], parents[:1], None, r[None], uniforms)._replace(
                path=(0, node), residuals=(r, p[node])
            )
        r, law = residual(r, law), law.clone()
        law[tokens[node]] = 0
    return judge(tokens[:1], parents[:1], None, r[None], uniforms)


def test_the_enumeration_sees_siblings_that_are_not_renormalised():
    worst = 0.0
    for seed in range(20):
        p, q = Model(seed, 3.0), Model(seed + 100, 3.0)
        law = output_law(_judge_without_renormalising, p, siblings(q, 2), q, 1)
        worst = max(worst, float((law - target_law(p, 1)).abs().max()))
    assert 0.05 < worst < 0.6


def test_the_enumeration_sees_an_argmax_draft_judged_with_its_soft_law():
    worst = 0.0
    for seed in range(20):
        p, q = Model(seed, 3.0), Model(seed + 100, 3.0)
        best = int(q(()).argmax())
        law = output_law(judge, p, [((0, best), (-1, 0), 1.0)], q, 1)
        worst = max(worst, float((law - target_law(p, 1)).abs().max()))
    assert worst > 0.3


def test_the_enumeration_sees_a_draft_drawn_at_another_temperature_than_it_is_judged_at():
    worst = 0.0
    for seed in range(20):
        p, q = Model(seed), Model(seed + 100)
        cold = Model(seed + 100)
        for text, law in cold.table.items():
            cold.table[text] = (law.log() / 0.7).softmax(-1)
        law = output_law(judge, p, chains(cold, 1), q, 1)
        worst = max(worst, float((law - target_law(p, 1)).abs().max()))
    assert worst > 0.03


def test_the_enumeration_sees_a_target_sampled_instead_of_the_residual():
    def judge_resampling_p(tokens, parents, q, p, uniforms):
        judgement = judge(tokens, parents, q, p, uniforms)
        return judgement._replace(residuals=tuple(p[list(judgement.path)]))

    p, q = Model(1), Model(101)
    law = output_law(judge_resampling_p, p, chains(q, 1), q, 1)
    assert (law - target_law(p, 1)).abs().max() > 0.03
