"""Modules of few kernels give what the model's own give."""

import copy

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import (
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from engine.attention.tree_attention import use_tree_attention
from engine.device.attention import FusedAttention
from engine.device.cache import StaticCache
from engine.device.context import StaticContext
from engine.device.fuse import fuse
from engine.device.mlp import FusedMLP
from engine.device.norms import FusedNorm
from engine.device.tree_buffers import TreeBuffers
from engine.heads.decoder_layer import DecoderLayer
from engine.llama_kin import ATTENTIONS, LAYERS, MLPS, NORMS
from tests.engine.small_llamas import SHAPE, llama, with_biases

TOKENS = torch.tensor([[5, 9, 3, 17, 4]])
TREE, PARENTS = (6, 7, 8, 9), (-1, 0, 0, 1)
OPTIONS = ({}, {"attention_bias": True, "mlp_bias": True}, {"hidden_act": "gelu"}, {"head_dim": 16})
CPU = torch.device("cpu")


def kin(family, config):
    torch.manual_seed(3)
    shape = {**SHAPE, "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 8}
    return with_biases(family(config(**shape)).eval())


MODELS = {
    **{f"llama {next(iter(each), 'plain')}": lambda each=each: llama(**each) for each in OPTIONS},
    "mistral": lambda: kin(MistralForCausalLM, MistralConfig),
    "qwen2": lambda: kin(Qwen2ForCausalLM, Qwen2Config),
    "qwen3": lambda: kin(Qwen3ForCausalLM, Qwen3Config),
}


def device_pass(model):
    """A pass over a tree that the device tells of, behind a prompt, and the context it is of."""
    use_tree_attention(model)
    cache = StaticCache("target", model.config.num_hidden_layers, 64)
    context = StaticContext(model, cache, {})
    context.prefill(TOKENS[0].tolist())
    tree = TreeBuffers(4, CPU)
    tree.fill(TREE, PARENTS, context.committed, [4], 0)
    tree.send()
    return context, lambda: context.read(tree)


@pytest.mark.parametrize("name", MODELS)
@torch.inference_mode()
def test_a_tree_gets_the_same_logits_and_leaves_the_same_slots(name):
    model = MODELS[name]().double()
    (context, step), (own, own_step) = (
        device_pass(each) for each in (fuse(copy.deepcopy(model)), model)
    )
    near = {"rtol": 1e-5, "atol": 1e-6}  # transformers' norms are in fp32
    torch.testing.assert_close(step(), own_step(), **near)
    torch.testing.assert_close(context.cache.slots, own.cache.slots, **near)


@pytest.mark.parametrize("name", MODELS)
@torch.inference_mode()
def test_a_pass_that_no_device_tells_of_says_the_same(name):
    model = MODELS[name]()
    fused = fuse(copy.deepcopy(model))
    torch.testing.assert_close(fused(TOKENS).logits, model(TOKENS).logits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
@torch.inference_mode()
def test_states_that_are_kept_are_those_of_their_layers(name):
    """A layer adds in place to a sum of its own, never to what somebody holds."""
    model = MODELS[name]()
    told = dict(output_hidden_states=True)
    states = fuse(copy.deepcopy(model))(TOKENS, **told).hidden_states
    own = model(TOKENS, **told).hidden_states
    assert len(states) == 1 + model.config.num_hidden_layers
    torch.testing.assert_close(states, own, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_a_heads_layer_says_the_same():
    """EAGLE's, whose sums are not transformers' own code."""
    torch.manual_seed(0)
    config = llama().config
    head = torch.nn.ModuleList([DecoderLayer(config, width=2).eval()])
    fused = fuse(copy.deepcopy(head))
    assert type(fused[0]) is not DecoderLayer
    inputs, residual = torch.randn(1, 5, 2 * config.hidden_size), torch.randn(1, 5, 24)
    angles = LlamaRotaryEmbedding(config)(residual, torch.arange(5)[None])
    before = residual.clone()
    told = [each[0](inputs, residual, angles) for each in (fused, head)]
    torch.testing.assert_close(*told, rtol=1e-4, atol=1e-5)
    assert torch.equal(residual, before)  # the feature that was read is somebody's still


def test_all_that_is_known_is_swapped():
    model = llama()
    assert fuse(model) is fuse(model) is model
    parts = [type(part) for part in model.modules()]
    assert not set(parts) & {*NORMS, *LAYERS}
    assert sum(issubclass(part, LAYERS) for part in parts) == 3  # transformers knows them by it
    assert [parts.count(kind) for kind in (FusedNorm, FusedAttention, FusedMLP)] == [7, 3, 3]


class Kernels(TorchDispatchMode):
    """Counts operators that move something, a change of dtype not among them."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += not func.is_view
        return func(*args, **(kwargs or {}))


def kernels_a_layer(model):
    """What two layers more make of a pass, for one of them."""
    counts = []
    for layers in (1, 3):
        with torch.inference_mode():
            _, step = device_pass(model(layers))
            with Kernels() as kernels:
                step()
        counts.append(kernels.count)
    return (counts[1] - counts[0]) / 2


def test_a_layer_is_a_quarter_of_the_kernels():
    def model(layers):
        return llama(num_hidden_layers=layers).bfloat16()

    fused = kernels_a_layer(lambda layers: fuse(model(layers)))
    assert fused == 9 <= kernels_a_layer(model) / 4


def test_a_module_that_there_is_no_memory_for_stays_what_it_was(monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    model = llama()
    monkeypatch.setattr("engine.device.joined.torch.cat", full)
    fuse(model)
    monkeypatch.undo()
    parts = [type(part) for part in model.modules()]
    assert FusedAttention not in parts and FusedMLP not in parts and FusedNorm in parts
    assert not set(parts) & set(LAYERS)  # they need no memory
    fresh = llama()
    assert torch.allclose(model(TOKENS).logits, fresh(TOKENS).logits, atol=1e-5)


def test_what_was_swapped_is_not_trained():
    assert not any(each.requires_grad for each in fuse(llama()).parameters())
    other = torch.nn.Linear(2, 2)
    assert fuse(other) is other and other.weight.requires_grad  # nothing in it was known


def test_joined_weights_take_no_memory_of_their_own():
    fused = fuse(llama(attention_bias=True))
    for part in fused.modules():
        if isinstance(part, FusedAttention):
            own = part.attention
            joined, parts = part.qkv, (own.q_proj, own.k_proj, own.v_proj)
        elif isinstance(part, FusedMLP):
            joined, parts = part.gate_up, (part.mlp.gate_proj, part.mlp.up_proj)
        else:
            continue
        for name in ("weight", "bias"):
            whole = getattr(joined, name)
            if whole is None:
                continue
            home = whole.untyped_storage().data_ptr()
            told = [getattr(each, name) for each in parts]
            assert all(each.untyped_storage().data_ptr() == home for each in told)
            assert torch.equal(torch.cat(told), whole)


@torch.inference_mode()
def test_in_half_precision_norms_round_no_worse():
    model = llama(4, 2)
    halves = [llama(4, 2).bfloat16(), fuse(llama(4, 2).bfloat16())]
    right = model(TOKENS).logits
    own, fused = (float((each(TOKENS).logits.float() - right).norm()) for each in halves)
    assert fused < 1.5 * own


def test_a_part_of_another_kind_is_left_alone():
    class Centred(NORMS[0]):
        pass

    class Quantised(torch.nn.Linear):
        pass

    model = torch.nn.Sequential(Centred(8), torch.nn.LayerNorm(8))
    fuse(model)
    assert [type(part) for part in model] == [Centred, torch.nn.LayerNorm]
    centred = llama()
    centred.model.layers[1].post_attention_layernorm = Centred(24)
    kinds = [type(layer) in LAYERS for layer in fuse(centred).model.layers]
    assert kinds == [False, True, False]
    other = llama()
    for layer in other.model.layers:
        layer.self_attn.k_proj = Quantised(24, 8, bias=False)
        layer.mlp.up_proj = torch.nn.Linear(24, 36)  # has a bias, gate has none
    fuse(other)
    for layer in other.model.layers:
        assert type(layer.self_attn) in ATTENTIONS and type(layer.mlp) in MLPS
