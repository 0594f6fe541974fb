"""Negative controls: the enumeration must see well-known mistakes of the rules, and by how much."""

from engine.verify import judge, residual
from tests.engine.law_tables import (
    Model,
    chains,
    output_law,
    siblings,
    target_law,
)


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
