"""A packed model answers as the original does: logits, text, hidden states, whatever the mask."""

import pytest
import torch
from transformers import (
    DynamicCache,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from engine.cache import SlotCache
from engine.packed import pack
from tests.engine.small_llamas import SHAPE, as_stored_in, llama, packed_twin, with_biases

TREE = (-1, 0, 0, 1, 1, 2)  # parents of six nodes
DEPTHS = (0, 1, 1, 2, 2, 2)


def _tree_mask(prefix: int) -> torch.Tensor:
    """[1, 1, 6, prefix + 6] additive mask of ``TREE`` behind ``prefix`` tokens."""
    seen = torch.eye(len(TREE), dtype=torch.bool)
    for node, parent in enumerate(TREE):
        if parent >= 0:
            seen[node] |= seen[parent]
    seen = torch.cat([torch.ones(len(TREE), prefix, dtype=torch.bool), seen], dim=1)
    return torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)[None, None]


@torch.inference_mode()
def _tree_logits(model: PreTrainedModel, prefix: int, mask: torch.Tensor | None = None):
    """[6, V] logits of the tree's nodes behind ``prefix`` tokens, through a slot cache."""
    cache = SlotCache("target", model.config.num_hidden_layers, prefix + len(TREE))
    if prefix:
        tokens = torch.arange(prefix)[None] * 7 % 40
        model(input_ids=tokens, past_key_values=cache, use_cache=True)
        cache.commit(range(prefix))
    return model(
        input_ids=torch.tensor([[0, 5, 17, 39, 8, 21]]),
        attention_mask=_tree_mask(prefix) if mask is None else mask,
        position_ids=prefix + torch.tensor([DEPTHS]),
        past_key_values=cache,
        use_cache=True,
    ).logits[0]


def _assert_same_answers(model: PreTrainedModel, packed: PreTrainedModel) -> None:
    for prefix in (0, 1, 2, 17):
        torch.testing.assert_close(
            _tree_logits(packed, prefix), _tree_logits(model, prefix), atol=1e-5, rtol=1e-5
        )


@pytest.mark.parametrize("stored", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("heads", "groups"), [(1, 1), (4, 4), (6, 2), (6, 1)])
def test_a_tree_pass_gives_the_logits_of_the_original(heads, groups, stored):
    model = as_stored_in(stored, llama(heads, groups))
    _assert_same_answers(model, packed_twin(model))


@pytest.mark.parametrize(
    "options",
    [
        {"attention_bias": True},
        {"mlp_bias": True, "attention_bias": True},
        {"tie_word_embeddings": True},
        {"head_dim": 16},
        {"hidden_act": "gelu"},
        {"attn_implementation": "eager"},
    ],
    ids=lambda options: next(iter(options)),
)
@pytest.mark.parametrize("stored", [torch.float32, torch.bfloat16])
def test_options_of_llama_are_kept(options, stored):
    model = as_stored_in(stored, llama(**options))
    _assert_same_answers(model, packed_twin(model))


@pytest.mark.parametrize(
    ("family", "config"),
    [
        (MistralForCausalLM, MistralConfig),
        (Qwen2ForCausalLM, Qwen2Config),
        (Qwen3ForCausalLM, Qwen3Config),
    ],
)
def test_families_like_llama_are_packed_too(family, config):
    torch.manual_seed(3)
    shape = {**SHAPE, "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 8}
    model = with_biases(family(config(**shape)).eval())
    packed = packed_twin(model)
    _assert_same_answers(model, packed)
    norms = [x for x in packed.modules() if type(x).__name__.endswith("RMSNorm")]
    assert not norms


def test_one_wrong_bit_of_the_mask_changes_the_logits():
    packed = packed_twin(llama())
    right, wrong = _tree_mask(9), _tree_mask(9)
    wrong[0, 0, 5, 9 + 1] = 0  # node 5 sees its uncle, node 1
    change = (_tree_logits(packed, 9, wrong) - _tree_logits(packed, 9, right)).abs().amax(dim=-1)
    assert change[5] > 1e-2
    assert change[:5].max() == 0


def test_a_boolean_mask_means_the_same_as_an_additive_one():
    packed = packed_twin(llama())
    same = _tree_logits(packed, 4, _tree_mask(4) == 0)
    torch.testing.assert_close(same, _tree_logits(packed, 4), atol=1e-6, rtol=1e-6)


def test_reading_token_by_token_gives_the_logits_of_one_causal_pass():
    packed = packed_twin(llama())
    tokens, cache = torch.arange(12)[None], SlotCache("target", 3, 12)
    with torch.inference_mode():
        whole = packed(tokens).logits
        steps = [packed(token, past_key_values=cache).logits for token in tokens.split(1, dim=1)]
    torch.testing.assert_close(torch.cat(steps, dim=1), whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("stored", [torch.float32, torch.bfloat16])
def test_generate_writes_the_text_of_the_original(stored):
    model = as_stored_in(stored, llama(pad_token_id=0))
    packed = packed_twin(model)
    for first in range(3, 13):
        prompt = torch.tensor([[first, 0, first + 1]])
        text = model.generate(prompt, max_new_tokens=20, do_sample=False)
        assert packed.generate(prompt, max_new_tokens=20, do_sample=False).equal(text)


def test_a_padded_batch_is_answered_alike():
    model = llama(pad_token_id=0)
    tokens = torch.tensor([[0, 0, 5, 6], [3, 4, 5, 6]])
    options = {"attention_mask": torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1]])}
    with torch.inference_mode():
        ours, theirs = (x(tokens, **options).logits for x in (packed_twin(model), model))
    torch.testing.assert_close(ours[:, 2:], theirs[:, 2:], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("asked_before", [False, True])
def test_hidden_states_of_every_layer_can_be_had(asked_before):
    model, tokens = llama(), torch.arange(7)[None]
    with torch.inference_mode():
        if asked_before:
            model(tokens, output_hidden_states=True)  # leaves its hooks in the model
        theirs = model.model(tokens, output_hidden_states=True)
        assert pack(model)
        ours = model.model(tokens, output_hidden_states=True)
    assert len(ours.hidden_states) == 4
    for mine, its in zip(ours.hidden_states, theirs.hidden_states, strict=True):
        torch.testing.assert_close(mine, its, atol=1e-5, rtol=1e-5)
    assert ours.hidden_states[-1].equal(ours.last_hidden_state)


def test_a_cache_of_transformers_is_served_too():
    model = llama()
    tokens, step = torch.arange(9)[None], torch.tensor([[11]])
    with torch.inference_mode():
        logits = []
        for reader in (model, packed_twin(model)):
            cache = DynamicCache(config=model.config)
            reader(tokens, past_key_values=cache)
            logits.append(reader(step, past_key_values=cache).logits)
    torch.testing.assert_close(*logits, atol=1e-5, rtol=1e-5)
