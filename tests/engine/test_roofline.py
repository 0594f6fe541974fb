"""The roofline's arithmetic, and what is counted of a target."""

import copy

import pytest
import torch
from torch import nn
from transformers import JetMoeConfig, JetMoeForCausalLM, Qwen3MoeConfig, Qwen3MoeForCausalLM

from engine import ceilings, schema
from engine.ceilings import measure_ceilings, size_of
from engine.device.fuse import fuse
from engine.pass_cost import PassCost, recorded_cost
from engine.roofline import Roofline
from tests.engine.small_llamas import llama, packed_twin

ROOF = Roofline(20e9, 80e9, 1000, 500)


def test_the_roof_is_the_lower_of_the_two_ceilings():
    assert ROOF.ridge == 4
    assert [ROOF.ceiling(x) for x in (1, 4, 16)] == [20e9, 80e9, 80e9]


def test_a_pass_moves_weights_and_slots_and_computes_twice_the_parameters_a_node():
    traffic = ROOF.traffic(passes=3, nodes=12, slots=70, slot_bytes=10)
    assert traffic == (3 * 1000 + 700, 2 * 500 * 12)
    assert traffic.intensity == pytest.approx(12000 / 3700)


@pytest.mark.parametrize(
    "wrong", [(0.0, 1e9, 1, 1), (1e9, -1.0, 1, 1), (1e9, 1e300, 1, 1), (1e9, 1e9, 0, 1)]
)
def test_a_roofline_of_nothing_is_refused(wrong):
    with pytest.raises(ValueError):
        Roofline(*wrong)
    names = ("bytes_per_second", "operations_per_second", "weight_bytes", "parameters")
    with pytest.raises(ValueError):
        schema.read(Roofline, dict(zip(names, wrong, strict=True)))


def test_embeddings_are_not_multiplied_with():
    model = nn.Sequential(nn.Embedding(100, 8), nn.Linear(8, 16, bias=False), nn.LayerNorm(16))
    assert size_of(model) == (128, 512)


def test_packing_changes_bytes_and_never_parameters():
    model = llama()
    parameters, plain_bytes = size_of(model)
    assert parameters == sum(
        w.numel() for n, w in model.named_parameters() if w.ndim == 2 and "embed" not in n
    ) + (model.lm_head.weight.numel() if model.config.tie_word_embeddings else 0)
    assert size_of(fuse(copy.deepcopy(model))) == (parameters, plain_bytes)  # joined: not twice
    packed_parameters, packed_bytes = size_of(packed_twin(model))
    assert packed_parameters == parameters
    assert plain_bytes / 2 <= packed_bytes <= plain_bytes


def test_ceilings_are_what_torch_reached():
    found = measure_ceilings(torch.device("cpu"), torch.float32)
    assert 1e8 < found.bytes_per_second < 1e13  # a file's unit mistake would be 1e3 off
    assert 1e8 < found.operations_per_second < 1e14


def test_a_table_of_passes_is_a_cost_and_an_empty_one_is_none():
    assert recorded_cost({4: 0.4, 1: 0.1}) == PassCost((1, 4), (0.1, 0.4))
    assert recorded_cost({}) is None
    assert recorded_cost({1: 0.0, 2: 0.1}) is None
    assert recorded_cost({0: 0.1}) is None
    assert recorded_cost({1: 1e300}) is None


def test_a_header_holds_ceilings_once_they_are_measured(monkeypatch):
    monkeypatch.setattr(ceilings, "_measured", {})
    monkeypatch.setattr(ceilings, "SUM_BYTES", {"cpu": 2**20})
    model = llama()
    assert ceilings.known_roofline_of(model) is None
    found = ceilings.ceilings_of(model)
    assert ceilings.ceilings_of(llama(heads=4)) is found
    parameters, size = size_of(model)
    assert ceilings.known_roofline_of(model) == Roofline(*found, size, parameters)


def experts(kind) -> nn.Module:
    """Qwen3-MoE has its experts' weights in one, JetMoE too, but by another name."""
    config, model = {
        "qwen3": (Qwen3MoeConfig, Qwen3MoeForCausalLM),
        "jetmoe": (JetMoeConfig, JetMoeForCausalLM),
    }[kind]
    shape = dict(num_attention_heads=2, num_key_value_heads=2, kv_channels=8, head_dim=8)
    shape |= dict(vocab_size=14, hidden_size=16, intermediate_size=8, num_hidden_layers=1)
    few = {"num_experts": 4} if kind == "qwen3" else {"num_local_experts": 4}
    return model(config(moe_intermediate_size=8, num_experts_per_tok=2, **shape, **few))


@pytest.mark.parametrize("kind", ["qwen3", "jetmoe"])
def test_a_mixture_of_experts_has_no_roofline_for_its_passes_read_what_their_tokens_choose(
    kind, monkeypatch
):
    model = experts(kind)
    place = torch.device("cpu"), torch.float32
    monkeypatch.setattr(ceilings, "_measured", {place: ceilings.Ceilings(20e9, 80e9)})
    assert ceilings.known_roofline_of(model) is None
    assert ceilings.known_roofline_of(llama()).parameters > 0


def test_experts_that_are_matrices_one_by_one_are_a_mixture_too(monkeypatch):
    model = llama()
    model.model.layers[0].mlp.experts = nn.ModuleList(nn.Linear(24, 8) for _ in range(4))
    place = torch.device("cpu"), torch.float32
    monkeypatch.setattr(ceilings, "_measured", {place: ceilings.Ceilings(20e9, 80e9)})
    assert ceilings.known_roofline_of(model) is None
