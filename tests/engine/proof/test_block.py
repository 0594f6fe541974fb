"""A block's first two tokens follow their joint law; one judged from the front does not."""

from functools import partial

import pytest
import torch

from engine.config import DecodeConfig
from engine.proof.block import (
    BLOCK_RULES,
    pair_law,
    verify_blocks,
    why_not_block,
    worth_block,
)
from engine.proof.broken import judge_block_stopping
from engine.proof.chi_square import fit
from engine.proof.continuation import KEPT, Continuation
from engine.proof.equality import tokens_of
from engine.proof.round import MetRound, meet_round
from engine.proof.words import block_fits, describe_block
from engine.sampling import Sampler
from engine.verify import judge_block
from tests.engine.law_tables import EXACT, Model, V, chains, laws, output_law, target_law
from tests.tables import table_bundle

PROMPT = "abcabdabc"
COUNT = 2000
CHAIN = ((0,), (0, 0))


class Tables:
    """As ``Continuation``: laws of three tokens, known in advance."""

    def __init__(self, p, q):
        self.target, self.draft = p, q

    def prepare(self, texts):
        pass


def met_chain(p, q, chain=(2, 0)):
    """A round of a drafted chain; of point masses where there is no ``q``."""
    tree = (0, *chain), tuple(range(-1, len(chain)))
    p_laws, q_laws = laws(p, *tree), None if q is None else laws(q, *tree)
    return MetRound(0, 3, 0, *tree, (None, 0.5, 0.5)[: len(tree[0])], q_laws, p_laws, p_laws)


def pairs(rule, p, q, **more):
    tables = Tables(p, q)
    *_, counts = verify_blocks(met_chain(p, q, **more), tables, rule, COUNT, 0, 1000)
    assert sum(counts.pairs.values()) == sum(counts.first.values()) == COUNT
    return counts.pairs


def p_value(law, found):
    """Of counts of pairs against their joint law [V, V]."""
    counts = {first * V + second: count for (first, second), count in found.items()}
    return fit("pair", law.flatten(), counts, COUNT, str).p_value


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("chain", [(2, 0), (1,)])
def test_drawn_blocks_come_out_by_the_joint_law_and_those_left_too_early_do_not(seed, chain):
    p, q = Model(seed), Model(seed + 100)
    assert p_value(target_law(p, 2), pairs("block", p, q, chain=chain)) > 1e-3
    broken = output_law(judge_block_stopping, p, chains(q, len(chain)), q, 2)
    assert p_value(broken, pairs("block_stop", p, q, chain=chain)) > 1e-3  # as broken as it is
    if len(chain) == 1:  # there is no later prefix to miss
        assert (broken - target_law(p, 2)).abs().max() < EXACT


def test_the_enumeration_sees_a_block_that_is_left_at_its_first_failure():
    off = [
        (output_law(judge_block_stopping, Model(s), chains(Model(s + 100), 2), Model(s + 100), 2))
        - target_law(Model(s), 2)
        for s in range(12)
    ]
    assert max(float(law.abs().max()) for law in off) > 0.1
    assert float(off[0].sum(1).abs().max()) > 1e-3  # the first token alone is off already


@pytest.mark.parametrize("seed", range(2))
def test_blocks_of_point_masses_come_out_by_the_joint_law(seed):
    p = Model(seed)
    assert p_value(target_law(p, 2), pairs("block", p, None)) > 1e-3


def test_the_verdict_on_a_prefix_does_not_depend_on_the_others_uniforms():
    """Why the broken rule may ask for each alone: the right one, asked so, is the right one."""
    p, q = Model(3), Model(103)
    for tokens, parents, _ in chains(q, 2):
        arguments = (tokens, parents, laws(q, tokens, parents), laws(p, tokens, parents))
        for uniforms in torch.rand(40, 3, dtype=torch.float64).tolist():
            kept = 0
            for node in (1, 2):
                alone = [uniforms[0], *(u if n == node else 1.0 for n, u in enumerate(uniforms))][
                    1:
                ]
                alone = [uniforms[0], *alone[1:]]
                if judge_block(*arguments, alone).path[-1] == node:
                    kept = node
            assert judge_block(*arguments, uniforms).path[-1] == kept


def met_block(method="draft", rule="block", **more):
    """The chosen round of a real run judged by blocks, and the laws that go on from it."""
    bundle = table_bundle()
    settings = dict(temperature=0.7, tree=CHAIN, num_draft=2, rule="block") | more
    config = DecodeConfig(method=method, **settings)
    *rounds, met = meet_round(bundle, PROMPT, config, partial(worth_block, rule))
    has_model = method == "draft"
    return bundle, config, rounds, met, Continuation(bundle, config, met.history, has_model)


def test_the_laws_that_go_on_from_a_round_are_the_models_own():
    bundle, config, rounds, met, laws = met_block()
    text = [ord(letter) - 97 for letter in PROMPT] + tokens_of(rounds[: met.index])
    assert list(met.history) == text
    laws.prepare([(token,) for token in range(12)])
    sampler = Sampler(config)
    for model, law in ((bundle.target, laws.target), (bundle.draft, laws.draft)):
        for more in ((), (3,), (11,), (0,)):
            logits = model.logits_after([*text, *more])
            assert torch.allclose(law(more), sampler.laws(logits[None], [[*text, *more]])[0])


def test_laws_are_forgotten_before_they_fill_the_memory():
    bundle = table_bundle(vocab=600)
    laws = Continuation(bundle, DecodeConfig(temperature=1.0), [3, 5], True)
    laws.prepare([(token,) for token in range(500)])
    assert len(laws._readers[0].laws) <= KEPT
    again = (bundle.target.logits_after([3, 5, 7])).softmax(-1)
    assert torch.allclose(laws.target((7,)), again)


@pytest.mark.parametrize(
    ("method", "rule"), [("draft", "block"), ("lookup", "block"), ("draft", "block_stop")]
)
def test_a_real_round_passes_at_both_places_and_its_broken_rule_does_not(method, rule):
    bundle, _, _, met, laws = met_block(method, rule)
    assert why_not_block(rule, met, method == "draft") == ""
    *_, counts = verify_blocks(met, laws, rule, COUNT, 0, 1000)
    found = block_fits(met, counts, pair_law(laws, COUNT), bundle)
    assert [this.is_refuted for this in found] == [rule == "block_stop"] * 2


def test_the_likeliest_pairs_are_listed_and_all_others_are_pooled():
    bundle, _, _, met, laws = met_block()
    listed = pair_law(laws, COUNT)
    joint = torch.stack([laws.target(())[a] * laws.target((a,)) for a in range(12)])
    assert set(listed) == {tuple(pair) for pair in (joint >= 5 / COUNT).nonzero().tolist()}
    *_, counts = verify_blocks(met, laws, "block", COUNT, 0, 1000)
    pair = block_fits(met, counts, listed, bundle)[1]
    assert pair.counted == COUNT and pair.pooled_tokens == 144 - len(pair.token)
    assert sum(pair.observed) + pair.pooled_observed == COUNT
    assert sum(pair.expected) + pair.pooled_expected == pytest.approx(COUNT)
    assert all(len(piece) == 2 for piece in pair.piece)


def test_a_block_is_described_by_its_chain():
    bundle, _, rounds, met, _ = met_block()
    subject = describe_block(met, tokens_of(rounds[: met.index]), bundle)
    assert subject.is_block and subject.is_redrawn and subject.path == ()
    assert [sibling.piece for sibling in subject.siblings] == [
        chr(97 + token) for token in met.tokens[1:]
    ]
    second = subject.siblings[1]
    assert second.draft == pytest.approx(float(met.draft_laws[1][met.tokens[2]]))
    assert second.target == pytest.approx(float(met.target_laws[1][met.tokens[2]]))


def test_what_is_no_chain_or_cannot_be_drawn_anew_says_so():
    p, q = Model(1), Model(101)
    chain, alone, short = (met_chain(p, q, chain=c) for c in ((2, 0), (), (2,)))
    assert [why_not_block(rule, chain, True) for rule in BLOCK_RULES] == ["", ""]
    assert "let them draft the most probable" in why_not_block("block", chain, False)
    assert why_not_block("block", met_chain(p, None), False) == ""
    assert "drafted a chain" in why_not_block("block", alone, True)
    assert why_not_block("block", short, True) == ""
    assert "no later prefix" in why_not_block("block_stop", short, True)
    assert worth_block("block", chain) > 0 == worth_block("block", alone)
    tree = (0, 2, 1), (-1, 0, 0)
    wide = MetRound(0, 3, 0, *tree, (None, 0.5, 0.5), None, laws(p, *tree), laws(p, *tree))
    assert "drafted a chain" in why_not_block("block", wide, True)
    assert worth_block("block", wide) == 0


def test_a_broken_block_of_point_masses_is_worth_what_it_is_off():
    p = Model(3)
    met = met_chain(p, None)
    off = output_law(judge_block_stopping, p, [(met.tokens, met.parents, 1.0)], None, 1)
    exact = float((target_law(p, 1) - off)[met.tokens[1]])
    assert worth_block("block_stop", met) == pytest.approx(exact) and exact > 0.01
    assert worth_block("block_stop", met_chain(p, None, chain=(2,))) == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_broken_block_that_is_drawn_is_worth_how_far_its_first_token_strays(seed):
    """Exactly so where the laws behind every first token are the same."""
    p, q = Model(seed), Model(seed + 100)
    for model in (p, q):
        for text in model.table:
            model.table[text] = model.table[(0,) * len(text)]
    law = output_law(judge_block_stopping, p, chains(q, 2), q, 2).sum(1)
    strays = float((law - p(())).abs().sum()) / 2
    assert worth_block("block_stop", met_chain(p, q)) == pytest.approx(strays, abs=1e-9)
    assert worth_block("block_stop", met_chain(p, q, chain=(2,))) == 0
