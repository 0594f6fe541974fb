"""Small random Llamas with nothing left at its constant, and their packed twins."""

import copy

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from engine.packed import pack

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


def llama(heads=6, groups=2, **options) -> LlamaForCausalLM:
    torch.manual_seed(heads * 10 + groups)
    options = {"num_attention_heads": heads, "num_key_value_heads": groups, **options}
    return with_biases(LlamaForCausalLM(LlamaConfig(**SHAPE | options)).eval())


def with_biases(model: PreTrainedModel) -> PreTrainedModel:
    """Biases and norms start as constants, which would hide that one is left out."""
    for name, parameter in model.named_parameters():
        if name.endswith("bias") or "norm" in name:
            torch.nn.init.normal_(parameter, mean=0.5, std=0.3)
    return model


def as_stored_in(dtype: torch.dtype, model: PreTrainedModel) -> PreTrainedModel:
    for parameter in model.parameters():
        parameter.data = parameter.data.to(dtype).float()
    return model


def packed_twin(model: PreTrainedModel, **options) -> PreTrainedModel:
    twin = copy.deepcopy(model)
    assert pack(twin, **options) > 0
    return twin
