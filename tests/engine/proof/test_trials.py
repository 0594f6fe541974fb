"""The proof passes the right rule and finds every broken one, on laws that are enumerated."""

import pytest
import torch

from engine.proof.broken import confident_law, judge_not_renormalised
from engine.proof.chi_square import fit
from engine.proof.round import MetRound
from engine.proof.trials import RULES, verify_many, why_not, worth
from engine.verify import judge
from tests.engine.enumeration import outcomes
from tests.engine.law_tables import EXACT, Model, V, laws, output_law, siblings, target_law

COUNT = 3000
SEEDS = (1, 5, 10)  # of laws with three likely tokens, and a q far from p
LEAF = 2
TREE = ((0, 2, 0, 1, 0), (-1, 0, 0, 1, 1))


def met(seed, *, point_masses=False, tree=TREE, leaf=LEAF):
    """A round of a tree over three tokens: p and q of ``law_tables``, q far from p."""
    p, q, bare = Model(seed, 2.5), Model(seed + 100, 2.5), Model(seed + 200, 2.5)
    return MetRound(
        0,
        3,
        leaf,
        *tree,
        (None, 0.5, 0.3, 0.6, 0.2)[: len(tree[0])],
        None if point_masses else laws(q, *tree),
        laws(p, *tree),
        laws(bare, *tree),
    )


def last(met, rule, count=COUNT, seed=0):
    *_, counts = verify_many(met, rule, count, seed, step=500)
    return counts


def p_value(law, counter, count=COUNT):
    return fit("first", law, counter, count, str).p_value


@pytest.mark.parametrize("point_masses", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_right_rule_passes_at_both_places(seed, point_masses):
    this = met(seed, point_masses=point_masses)
    counts = last(this, "right")
    assert sum(counts.first.values()) == counts.verifications == COUNT
    assert p_value(this.target_laws[0], counts.first) > 1e-3
    assert p_value(this.target_laws[LEAF], counts.bonus) > 1e-3


@pytest.mark.parametrize(
    ("rule", "point_masses"), [("soft", False), ("soft", True), ("siblings", False)]
)
def test_a_rule_broken_above_fails_at_the_first_token_and_not_at_the_bonus(rule, point_masses):
    this = met(5, point_masses=point_masses)
    counts = last(this, rule)
    assert p_value(this.target_laws[0], counts.first) < 1e-6
    assert p_value(this.target_laws[LEAF], counts.bonus) > 1e-3


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_a_bonus_without_temperature_fails_at_the_bonus_and_not_at_the_first_token(seed):
    this = met(seed)
    counts = last(this, "bonus")
    assert p_value(this.target_laws[0], counts.first) > 1e-3
    assert p_value(this.target_laws[LEAF], counts.bonus) < 1e-6
    assert p_value(this.bare_laws[LEAF], counts.bonus) > 1e-3


def _ending(tokens, parents, q, p, uniforms):
    """The right rule as the proof asks it: nothing is looked at behind an accepted token."""
    return judge(tokens, parents, q, p, uniforms, frozenset(tokens[1:]))


def _broken(tokens, parents, q, p, uniforms):
    return judge_not_renormalised(tokens, parents, q, p, uniforms, frozenset(tokens[1:]))


@pytest.mark.parametrize("seed", SEEDS)
def test_what_comes_out_is_the_enumerated_law_of_the_rule_right_or_broken(seed):
    """Also that a broken rule is as broken as it claims: its counts fit its own exact law."""
    p, q, this = Model(seed, 2.5), Model(seed + 100, 2.5), met(seed)
    right = output_law(_ending, p, siblings(q, 2), q, 1)
    assert (right - target_law(p, 1)).abs().max() < EXACT
    lost = output_law(_broken, p, siblings(q, 3), q, 1)
    assert p_value(lost, last(this, "siblings").first) > 1e-3
    best = q(()).topk(2).indices.tolist()
    soft = output_law(judge, p, [((0, *best), (-1, 0, 0), 1.0)], q, 1)
    assert p_value(soft, last(this, "soft").first) > 1e-3


def test_point_masses_judged_by_confidence_come_out_by_the_enumerated_law():
    this, p = met(1, point_masses=True), Model(1, 2.5)
    q = confident_law([2, 0], [0.5, 0.3], this.target_laws[0])
    law = torch.zeros(V, dtype=torch.float64)
    for outcome in outcomes(judge, 3, (0, 2, 0), (-1, 0, 0), q.expand(3, -1), p(()).expand(3, -1)):
        kept = outcome.judgement.path[1:]
        if kept:
            law[(0, 2, 0)[kept[0]]] += outcome.chance
        else:
            law += outcome.chance * outcome.judgement.residuals[-1]
    assert p_value(law, last(this, "soft").first) > 1e-3
    assert (law - p(())).abs().max() > 0.05


def test_the_same_seed_brings_the_same_counts_and_another_one_others():
    this = met(1)
    assert last(this, "right", 300).first == last(this, "right", 300).first
    assert last(this, "right", 300).first != last(this, "right", 300, seed=1).first


def test_counts_grow_step_by_step_to_the_number_asked_for():
    seen = [counts.verifications for counts in verify_many(met(1), "right", 1100, 0, step=500)]
    assert seen == [500, 1000, 1100]


def test_a_mistake_that_makes_no_difference_says_so():
    sampled, certain = met(1), met(1, point_masses=True)
    assert [why_not(rule, sampled, 0.7) for rule in RULES] == [""] * 4
    assert "no q to renormalise" in why_not("siblings", certain, 0.7)
    assert why_not("soft", certain, 0.7) == ""
    same = MetRound(
        0, 3, 1, (0, 1), (-1, 0), (None, 1.0), None, sampled.bare_laws[:2], sampled.bare_laws[:2]
    )
    assert "certain" in why_not("soft", same, 1.0)
    assert "temperature 1" in why_not("bonus", same, 1.0)
    alone = MetRound(
        0, 3, 0, (0,), (-1,), (None,), None, sampled.bare_laws[:1], sampled.bare_laws[:1]
    )
    assert all(why_not(rule, alone, 0.7) for rule in ("soft", "siblings", "bonus"))
    counts = last(alone, "right", 500)
    assert not counts.bonus
    assert p_value(alone.target_laws[0], counts.first, 500) > 1e-3


@pytest.mark.parametrize("rule", RULES)
def test_a_round_is_worth_more_where_the_rule_shows_more(rule):
    this, alone = met(5), met(5, tree=((0,), (-1,)), leaf=0)
    assert rule == "right" or worth(rule, this) > worth(rule, alone) == 0


def test_the_right_rule_shows_the_less_the_less_a_draft_is_kept():
    """One that accepts nothing would agree with the law of such a round as well."""
    laws = met(5).target_laws[:2]
    likely, unlikely = (
        MetRound(0, 3, 1, (0, token), (-1, 0), (None, 1.0), None, laws, laws)
        for token in (int(laws[0].argmax()), int(laws[0].argmin()))
    )
    times = float(laws[0].max() / laws[0].min())
    assert times > 1.2 and worth("right", likely) / worth("right", unlikely) == pytest.approx(times)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_broken_rule_is_worth_is_how_far_its_enumerated_law_strays(seed):
    p, q, this = Model(seed, 2.5), Model(seed + 100, 2.5), met(seed)
    best = q(()).topk(2).indices.tolist()
    laws = {
        "soft": output_law(judge, p, [((0, *best), (-1, 0, 0), 1.0)], q, 1),
        "siblings": output_law(_broken, p, siblings(q, 3), q, 1),
    }
    for rule, law in laws.items():
        assert worth(rule, this) == pytest.approx(float((law - p(())).abs().sum()) / 2)
