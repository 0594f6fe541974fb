"""Which rule judges a round is settled before its tokens are drawn."""

import json
from dataclasses import replace

import pytest
import torch

from engine import rule, schema, trace
from engine.config import DecodeConfig
from engine.decoding import Run
from engine.records import Round
from engine.tree import is_chain
from tests.engine.enumeration import outcomes
from tests.tables import table_bundle
from viz.judgement_info import judgement_info

# Two siblings at the third level: where the nucleus holds one token only, a chain comes of it.
FORK = ((0,), (0, 0), (0, 0, 0), (0, 0, 1))
CONFIG = DecodeConfig("draft_tree", 40, tree=FORK, rule="block", temperature=1.0, top_p=0.8, seed=5)
DRAWS = 500


def first_law(seed):
    """Law of a round's first token, exact for each of many drawn trees; and the target's own."""
    bundle, found, chains = table_bundle(4, seed, noise=1.0), torch.zeros(4), 0
    laws, found = {}, found.double()
    for draw in range(DRAWS):
        run = Run(bundle, [1, 2], replace(CONFIG, seed=draw))
        with torch.inference_mode():
            proposal = run._drafter.propose(run.history, 3)
            tree = proposal.tokens, proposal.parents
            if tree not in laws:
                logits = run._target.extend(*tree)
                texts = run._sampler.texts(run.history, *tree, range(len(proposal.tokens)))
                laws[tree] = run._sampler.laws(logits, texts)
        chains += is_chain(proposal.parents)

        def judged(uniforms, told=(proposal, laws[tree]), ends=run.bundle.eos_ids):
            return rule.judge_by(CONFIG.rule, *told, uniforms, ends)

        for chance, judgement in outcomes(judged, len(proposal.tokens)):
            if len(judgement.path) > 1:
                found[proposal.tokens[judgement.path[1]]] += chance / DRAWS
            else:
                found += judgement.residuals[-1] * chance / DRAWS
    expected = laws[tree][0]
    assert 0 < chains < DRAWS
    return float((found - expected).abs().sum()) / 2


@pytest.mark.parametrize("seed", [1, 7])
def test_a_chain_that_might_have_branched_is_judged_as_the_tree_it_might_have_been(seed):
    assert first_law(seed) < 0.02


def test_a_rule_chosen_by_the_drawn_tokens_would_show(monkeypatch):
    monkeypatch.setattr(rule, "is_apart", lambda _: False)
    assert min(first_law(seed) for seed in (1, 7)) > 0.04


def test_the_record_says_which_chains_are_no_blocks_and_the_picture_knows():
    rounds = list(Run(table_bundle(4, 0, noise=1.0), [1, 2], CONFIG))
    apart = [this for this in rounds if this.apart]
    assert apart and all(is_chain(this.nodes.parent) for this in apart)
    for this in rounds:
        line = trace.to_line(this)
        assert ("apart" in json.loads(line)) == this.apart
        assert schema.read(Round, json.loads(line)) == this
        kinds = {place.kind for place in judgement_info(this, is_block=True).places.values()}
        assert not (this.apart and "block" in kinds)
    whole = Run(table_bundle(4, 0, noise=1.0), [1, 2], DecodeConfig("draft", 20, rule="block"))
    assert not any(this.apart for this in whole)
