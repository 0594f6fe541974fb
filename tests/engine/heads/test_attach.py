"""Heads for another target are refused by the size that does not fit; fitted ones share or own."""

import pytest
import torch

from engine.heads.attach_feature_head import attach_feature_head
from engine.heads.beside import move_beside
from engine.heads.checkpoint import HeadError
from engine.heads.eagle import EagleHead
from engine.heads.eagle3 import Eagle3Head
from engine.heads.feature_head import FeatureHead
from engine.heads.head_config import layer_config
from engine.packed import pack
from tests.engine.heads.features import feature_bundle, random_head
from tests.engine.heads.guessers import random_heads
from tests.fakes import tiny_llama

SHAPE = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 12,
}


def config(**changes):
    return layer_config(SHAPE | changes)


BAD = {
    "heads for hidden size 64, this target has 32": lambda: EagleHead(config(hidden_size=64)),
    "heads for 13 tokens, this target's vocabulary is 12": lambda: EagleHead(config(vocab_size=13)),
    "heads for 11 tokens": lambda: Eagle3Head(config(vocab_size=11)),
    "heads for hidden size 24": lambda: Eagle3Head(config(), target_size=24),
    "heads that read state 7, this target has 2 layers": lambda: Eagle3Head(
        config(), taps=(0, 1, 7)
    ),
    "missing: embed_tokens.weight": lambda: Eagle3Head(config(hidden_size=16), target_size=32),
    "missing: lm_head.weight": lambda: Eagle3Head(
        config(hidden_size=16), frozenset({"embed_tokens.weight"}), target_size=32
    ),
}


@pytest.mark.parametrize("reason", BAD)
def test_a_head_for_another_target_is_refused_by_its_size(reason):
    with pytest.raises(HeadError) as caught:
        attach_feature_head(BAD[reason](), tiny_llama(12, 0))
    assert reason in str(caught.value)


def test_own_words_and_own_head_are_used_where_there_are_any():
    target = tiny_llama(12, 0)
    keys = frozenset({"embed_tokens.weight", "lm_head.weight"})
    head = EagleHead(config(), keys)
    own = attach_feature_head(head, target, packed=False)
    assert own.embed is head.embed_tokens and own.lm_head is head.lm_head
    shared = attach_feature_head(EagleHead(config()), target, packed=False)
    assert shared.embed is target.get_input_embeddings()
    assert shared.lm_head is target.get_output_embeddings()
    assert own.taps == (2,) and own.vocab.target_size == 12


def test_a_copy_of_the_targets_words_takes_no_memory():
    target = tiny_llama(12, 0)
    head = EagleHead(config(), frozenset({"embed_tokens.weight"}))
    head.embed_tokens.weight.data.copy_(target.get_input_embeddings().weight)
    attached = attach_feature_head(head, target, packed=False)
    assert attached.embed is target.get_input_embeddings() and head.embed_tokens is None


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_token_map_without_a_head_speaks_those_rows_of_the_targets(is_packed):
    target = tiny_llama(12, 0)
    weight = target.get_output_embeddings().weight.clone()
    target.config.tie_word_embeddings = True
    target.get_input_embeddings().weight.data.copy_(weight)
    if is_packed:
        pack(target)
    head = random_head("eagle", target.config, 3, draft_vocab=5)
    attached = attach_feature_head(head, target, packed=is_packed)
    states = torch.randn(3, 32)
    wide = attached.vocab.widen(attached.lm_head(states))
    ids = attached.vocab.ids
    torch.testing.assert_close(wide[:, ids], states @ weight[ids].T, atol=1e-4, rtol=1e-4)
    assert int(wide.isneginf().sum()) == 3 * (12 - 5)


def test_the_most_probable_tokens_are_the_targets_ids():
    attached = feature_bundle("eagle3", 12, 3, draft_vocab=5).heads["eagle3"].attached
    logits = torch.randn(4, 5)
    tokens, chances = attached.vocab.top(logits, 10)
    law = attached.vocab.widen(logits).softmax(-1)
    for row in range(4):
        order = law[row].argsort(descending=True)[:5]
        assert tokens[row] == order.tolist()
        assert chances[row] == pytest.approx(law[row, order].tolist(), rel=1e-5)


@pytest.mark.parametrize("method", ["eagle", "eagle3"])
def test_packed_parts_answer_as_the_originals(method):
    plain, packed = (feature_bundle(method, 12, 3, packed=flag) for flag in (False, True))
    answers = []
    for bundle in (plain, packed):
        attached = bundle.heads[method].attached
        torch.manual_seed(0)
        features, words = torch.randn(2, 1, 6, 32)
        with torch.inference_mode():
            behind = attached.head(features, words, torch.arange(6)[None])
            answers.append((behind, attached.lm_head(attached.head.to_head(behind))))
    assert not any(type(part) is torch.nn.Linear for part in attached.head.modules())
    for one, two in zip(*answers, strict=True):
        torch.testing.assert_close(one, two, atol=1e-3, rtol=1e-3)


def test_a_kind_of_head_that_leaves_a_part_out_cannot_be_built():
    class Half(EagleHead):
        fuse = FeatureHead.fuse

    with pytest.raises(TypeError, match="abstract method '?fuse'?"):
        Half(config())


@pytest.mark.parametrize("kind", ["eagle", "hydra++"])
def test_beside_a_target_of_half_precision_the_frequencies_stay_whole(kind):
    """In bf16 an angle is off by radians a few thousand tokens on."""
    target = tiny_llama(12, 0).bfloat16()
    made = random_head if kind == "eagle" else random_heads
    head = made(kind, target.config, 3)
    before = {n: b.clone() for n, b in head.named_buffers() if n.endswith("inv_freq")}
    move_beside(head, target)
    after = dict(head.named_buffers())
    assert before and all(torch.equal(after[name], kept) for name, kept in before.items())
    assert {weight.dtype for weight in head.parameters()} == {torch.bfloat16}
