"""A packed model answers as the original does: logits, text, hidden states, whatever the mask."""

import copy

import pytest
import torch
from transformers import (
    DynamicCache,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from engine.cache import SlotCache
from engine.packed import PackedAttention, PackedNorm, pack
from engine.packed_linear import PackedLinear

SHAPE = {
    "vocab_size": 40,
    "hidden_size": 24,
    "intermediate_size": 36,
    "num_hidden_layers": 3,
    "max_position_embeddings": 64,
    "initializer_range": 0.3,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
TREE = (-1, 0, 0, 1, 1, 2)  # parents of six nodes
DEPTHS = (0, 1, 1, 2, 2, 2)


def _llama(heads=6, groups=2, **options) -> LlamaForCausalLM:
    torch.manual_seed(heads * 10 + groups)
    options = {"num_attention_heads": heads, "num_key_value_heads": groups, **options}
    return _with_biases(LlamaForCausalLM(LlamaConfig(**SHAPE, **options)).eval())


def _with_biases(model: PreTrainedModel) -> PreTrainedModel:
    """Biases and norms start as constants, which would hide that one is left out."""
    for name, parameter in model.named_parameters():
        if name.endswith("bias") or "norm" in name:
            torch.nn.init.normal_(parameter, mean=0.5, std=0.3)
    return model


def _as_stored_in(dtype: torch.dtype, model: PreTrainedModel) -> PreTrainedModel:
    for parameter in model.parameters():
        parameter.data = parameter.data.to(dtype).float()
    return model


def _packed(model: PreTrainedModel, **options) -> PreTrainedModel:
    twin = copy.deepcopy(model)
    assert pack(twin, **options) > 0
    return twin


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
    model = _as_stored_in(stored, _llama(heads, groups))
    _assert_same_answers(model, _packed(model))


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
    model = _as_stored_in(stored, _llama(**options))
    _assert_same_answers(model, _packed(model))


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
    model = _with_biases(family(config(**shape)).eval())
    packed = _packed(model)
    _assert_same_answers(model, packed)
    norms = [x for x in packed.modules() if type(x).__name__.endswith("RMSNorm")]
    assert not norms


def test_one_wrong_bit_of_the_mask_changes_the_logits():
    packed = _packed(_llama())
    right, wrong = _tree_mask(9), _tree_mask(9)
    wrong[0, 0, 5, 9 + 1] = 0  # node 5 sees its uncle, node 1
    change = (_tree_logits(packed, 9, wrong) - _tree_logits(packed, 9, right)).abs().amax(dim=-1)
    assert change[5] > 1e-2
    assert change[:5].max() == 0


def test_a_boolean_mask_means_the_same_as_an_additive_one():
    packed = _packed(_llama())
    same = _tree_logits(packed, 4, _tree_mask(4) == 0)
    torch.testing.assert_close(same, _tree_logits(packed, 4), atol=1e-6, rtol=1e-6)


def test_reading_token_by_token_gives_the_logits_of_one_causal_pass():
    packed = _packed(_llama())
    tokens, cache = torch.arange(12)[None], SlotCache("target", 3, 12)
    with torch.inference_mode():
        whole = packed(tokens).logits
        steps = [packed(token, past_key_values=cache).logits for token in tokens.split(1, dim=1)]
    torch.testing.assert_close(torch.cat(steps, dim=1), whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("stored", [torch.float32, torch.bfloat16])
def test_generate_writes_the_text_of_the_original(stored):
    model = _as_stored_in(stored, _llama(pad_token_id=0))
    packed = _packed(model)
    for first in range(3, 13):
        prompt = torch.tensor([[first, 0, first + 1]])
        text = model.generate(prompt, max_new_tokens=20, do_sample=False)
        assert packed.generate(prompt, max_new_tokens=20, do_sample=False).equal(text)


def test_a_padded_batch_is_answered_alike():
    model = _llama(pad_token_id=0)
    tokens = torch.tensor([[0, 0, 5, 6], [3, 4, 5, 6]])
    options = {"attention_mask": torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1]])}
    with torch.inference_mode():
        ours, theirs = (x(tokens, **options).logits for x in (_packed(model), model))
    torch.testing.assert_close(ours[:, 2:], theirs[:, 2:], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("asked_before", [False, True])
def test_hidden_states_of_every_layer_can_be_had(asked_before):
    model, tokens = _llama(), torch.arange(7)[None]
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
    model = _llama()
    tokens, step = torch.arange(9)[None], torch.tensor([[11]])
    with torch.inference_mode():
        logits = []
        for reader in (model, _packed(model)):
            cache = DynamicCache(config=model.config)
            reader(tokens, past_key_values=cache)
            logits.append(reader(step, past_key_values=cache).logits)
    torch.testing.assert_close(*logits, atol=1e-5, rtol=1e-5)


def test_an_unknown_model_is_left_alone():
    model = GPT2LMHeadModel(GPT2Config(vocab_size=40, n_embd=24, n_layer=2, n_head=2)).eval()
    before = [type(module) for module in model.modules()]
    assert pack(model) == 0
    assert [type(module) for module in model.modules()] == before
    assert model.lm_head.weight.requires_grad


def test_an_unknown_module_inside_a_known_model_is_left_alone():
    class OwnAttention(torch.nn.Module):
        def forward(self, hidden_states, **_):
            return torch.zeros_like(hidden_states), None

    model, tokens = _llama(), torch.arange(5)[None]
    model.model.layers[1].self_attn = own = OwnAttention()
    packed_all = pack(_llama())
    with torch.inference_mode():
        before = model(tokens).logits
        assert pack(model) == packed_all - 1
        assert model.model.layers[1].self_attn is own
        torch.testing.assert_close(model(tokens).logits, before, atol=1e-5, rtol=1e-5)


def test_other_number_types_are_left_alone():
    assert pack(_llama().bfloat16()) == 0
    assert pack(_llama().double()) == 0


def test_packing_counts_what_it_swaps_and_packs_once():
    model = _llama()
    assert pack(model) == 3 * 4 + 2  # attention, MLP, two norms a layer; last norm, head
    assert pack(model) == 0
    kinds = [type(module) for module in model.modules()]
    assert kinds.count(PackedAttention) == 3
    assert kinds.count(PackedNorm) == 7
    assert torch.nn.Linear not in kinds


def test_the_tied_embedding_outlives_the_packed_head():
    model = _llama(tie_word_embeddings=True)
    embedding = model.get_input_embeddings().weight.clone()
    assert pack(model)
    assert model.get_input_embeddings().weight.equal(embedding)
    hidden = torch.randn(1, 3, 24)
    torch.testing.assert_close(model.lm_head(hidden), hidden @ embedding.t(), atol=1e-5, rtol=1e-5)


def test_weights_are_halved_only_where_nothing_is_lost():
    def is_halved(weight: torch.Tensor, **options) -> bool:
        linear = torch.nn.Linear(8, 8, bias=False)
        linear.weight.data = weight
        return PackedLinear(linear, **options).is_half

    torch.manual_seed(0)
    full = torch.randn(8, 8)
    half = torch.backends.quantized.engine in ("x86", "fbgemm")
    assert not is_halved(full)
    assert is_halved(full.bfloat16().float()) is half
    assert is_halved(full.half().float()) is half
    assert not is_halved(full.bfloat16().float(), halve=False)
    assert not is_halved(full.bfloat16().float() * 2.0**20)  # beyond fp16
    assert not is_halved(full.bfloat16().float() * 2.0**-30)


@pytest.mark.parametrize("rows", [1, 2, 15, 64])
@pytest.mark.parametrize("biases", [(False, False), (True, True), (False, True)])
@pytest.mark.parametrize("stored", [torch.float32, torch.bfloat16])
def test_a_packed_linear_stacks_its_parts(rows, biases, stored):
    torch.manual_seed(rows)
    parts = [
        torch.nn.Linear(12, size, bias=bias) for size, bias in zip((5, 9), biases, strict=True)
    ]
    for part in parts:
        part.weight.data = part.weight.data.to(stored).float()
    packed, hidden = PackedLinear(*parts), torch.randn(1, rows, 12)
    with torch.inference_mode():
        apart = torch.cat([part(hidden) for part in parts], dim=-1)
        torch.testing.assert_close(packed(hidden), apart, atol=1e-6, rtol=1e-5)
