"""The round a proof takes is one the method really played, with the laws of the models."""

from dataclasses import replace

import pytest
import torch

from engine.config import DecodeConfig
from engine.proof.chi_square import fit
from engine.proof.equality import compare, tokens_of
from engine.proof.round import CHOSEN_FROM, MetRound, meet_round
from engine.proof.trials import verify_many
from engine.records import Law
from engine.trace import Trace
from tests.tables import table_bundle

PROMPT = "abcabdabc"
SETTINGS = dict(temperature=0.7, tree=6, num_draft=2)


def meet(method, seed=0, **more):
    bundle = table_bundle(seed=seed)
    config = DecodeConfig(method=method, **SETTINGS | more)
    *rounds, met = meet_round(bundle, PROMPT, config)
    return bundle, rounds, met


@pytest.mark.parametrize("method", ["plain", "suffix", "lookup", "draft", "draft_tree"])
def test_its_laws_are_the_models_own_behind_the_text_so_far(method):
    bundle, rounds, met = meet(method)
    text = [*map(ord, PROMPT)]
    text = [letter - 97 for letter in text] + tokens_of(rounds[: met.index])
    assert len(text) == met.start
    this = rounds[met.index].nodes
    assert (met.tokens, met.parents) == (this.token, this.parent)
    accepted = [i for i, verdict in enumerate(this.verdict) if verdict == "accepted"]
    assert met.leaf == (accepted[-1] if accepted and accepted[-1] not in this.parent else 0)
    logits = bundle.target.logits_after(text)
    assert torch.allclose(met.target_laws[0], (logits / 0.7).softmax(-1))
    assert torch.allclose(met.bare_laws[0], logits.softmax(-1))
    for node in met.siblings:
        below = bundle.target.logits_after([*text, met.tokens[node]])
        assert torch.allclose(met.target_laws[node], (below / 0.7).softmax(-1))
    if met.draft_laws is not None:
        q = (bundle.draft.logits_after(text) / 0.7).softmax(-1)
        assert torch.allclose(met.draft_laws[0], q)
    assert (met.draft_laws is None) == (method in ("plain", "suffix", "lookup"))


def test_it_is_the_round_with_most_to_choose_from_of_those_that_drafted():
    _, rounds, met = meet("draft")
    assert len(rounds) == CHOSEN_FROM
    _, _, other = meet("draft", seed=3)
    assert 0 < met.spread(0) < 1 and 0 < other.spread(0) < 1
    assert met.index in range(CHOSEN_FROM)


def test_a_method_that_drafts_nothing_for_a_prompt_says_so():
    config = DecodeConfig(method="lookup", tree=0, temperature=0.7)
    with pytest.raises(ValueError, match=r"drafted nothing in \d+ rounds"):
        list(meet_round(table_bundle(), PROMPT, config))


def test_the_round_that_is_worth_most_is_taken():
    bundle = table_bundle()
    config = DecodeConfig(method="draft", **SETTINGS)
    *_, met = meet_round(bundle, PROMPT, config, lambda met: float(met.index == 2))
    assert met.index == 2


def test_every_round_is_judged_worth_something_once_and_those_that_show_little_do_not_count():
    asked = []

    def worth(met):
        asked.append(met.index)
        return 0.02 if met.index >= 5 else 1e-6

    config = DecodeConfig(method="draft", **SETTINGS)
    *rounds, met = meet_round(table_bundle(), PROMPT, config, worth)
    assert asked == list(range(5 + CHOSEN_FROM)) and len(rounds) == len(asked)
    assert met.index == 5


@pytest.mark.parametrize("method", ["draft", "draft_tree"])
def test_a_real_round_passes_and_its_broken_rule_does_not(method):
    _, _, met = meet(method)
    assert isinstance(met, MetRound)
    values = []
    for rule in ("right", "soft"):
        *_, counts = verify_many(met, rule, 3000, 0, 1000)
        values.append(fit("first", met.target_laws[0], counts.first, 3000, str).p_value)
    assert values[0] > 1e-3
    assert values[1] < 1e-6


def record(method, temperature=0.0, seed=0):
    config = DecodeConfig(method=method, tree=6, max_new_tokens=24, temperature=temperature)
    return Trace.record(table_bundle(seed=seed), PROMPT, config)


@pytest.mark.parametrize("method", ["suffix", "draft", "draft_tree"])
def test_greedy_texts_are_equal_token_by_token(method):
    plain = record("plain")
    found = compare(record(method).rounds, plain.rounds)
    assert found.is_equal and found.gap is None
    assert (found.same, found.tokens, found.plain_tokens) == (24, 24, 24)
    target = table_bundle().target
    text = [ord(letter) - 97 for letter in PROMPT] + list(plain.token_ids)
    tops = [target.logits_after(text[: 9 + i]).topk(2).values for i in range(24)]
    gaps = [float(high - low) for high, low in tops]
    assert found.closest.index == gaps.index(min(gaps))
    assert found.closest.logits == pytest.approx(min(gaps), abs=1e-3)


def test_the_first_difference_is_found_with_the_gap_there():
    plain, other = record("plain").rounds, record("plain", seed=1).rounds
    found = compare(other, plain)
    pairs = list(zip(tokens_of(other), tokens_of(plain), strict=True))
    assert not found.is_equal
    assert (
        all(a == b for a, b in pairs[: found.same]) and pairs[found.same][0] != pairs[found.same][1]
    )
    assert found.gap.index == found.same and not found.gap.is_tie
    assert found.gap.piece[0] == plain[found.same].emitted.text[0]
    assert found.gap.piece[1] == "abcdefgh"[pairs[found.same][0]]


CLOSE = Law(0, (0, 1, 2, 3), *[(0.4, 0.39999, 0.15, 0.05)] * 4)


@pytest.mark.parametrize(
    ("tokens", "is_tie"),
    [
        ((0, 1), True),  # the runner-up
        ((0, 3), False),  # a mistake beside two that are close
        ((0, 9), False),  # one of which nothing is recorded
        ((1, 0), None),  # a penalty decided: the law before it does not tell
    ],
)
def test_a_tie_excuses_no_token_but_the_one_that_was_as_good(tokens, is_tie):
    first = record("plain").rounds[0]
    plain, other = (
        replace(first, laws=(CLOSE,), emitted=replace(first.emitted, token=(token,)))
        for token in tokens
    )
    found = compare([other], [plain])
    assert (found.gap and found.gap.is_tie) is is_tie
    assert (found.closest is None) == (is_tie is None)


def test_a_text_that_is_cut_short_is_equal_as_far_as_it_goes_only():
    plain = record("plain").rounds
    found = compare(plain[:10], plain)
    assert (found.same, found.is_equal, found.gap) == (10, False, None)
    assert compare((), ()).is_equal and compare((), ()).closest is None
