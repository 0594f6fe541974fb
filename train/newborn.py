"""A draft model before its training: a small Llama that begins with the target's own words."""

from dataclasses import dataclass

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PretrainedConfig, PreTrainedModel


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a draft model; heads have the target's size, the vocabulary is the target's."""

    hidden: int = 192
    layers: int = 4
    heads: int = 3
    kv_heads: int = 1
    intermediate: int = 768


def draft_config(told: PretrainedConfig, shape: Shape) -> LlamaConfig:
    """The configuration of a draft model for a target whose own is ``told``."""
    return LlamaConfig(
        vocab_size=told.vocab_size,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.hidden // shape.heads,
        max_position_embeddings=told.max_position_embeddings,
        rope_parameters=dict(rope_type="default", rope_theta=10_000.0),
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=told.bos_token_id,
        eos_token_id=told.eos_token_id,
        pad_token_id=told.pad_token_id,
    )


def new_draft(target: PreTrainedModel, counts: np.ndarray, shape: Shape) -> LlamaForCausalLM:
    """A random Llama with the target's embedding, shortened to ``shape.hidden``.

    Args:
        target: gives embedding, vocabulary and special tokens.
        counts: [V] how often each token occurs in the text to come.
        shape: sizes of the model.
    """
    model = LlamaForCausalLM(draft_config(target.config, shape))
    words = target.get_input_embeddings().weight.detach().float()
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(shorten(words, counts, shape.hidden))
    return model


def shorten(words: torch.Tensor, counts: np.ndarray, size: int) -> torch.Tensor:
    """The principal components [V, size] of ``words`` [V, H].

    Tokens weigh by the root of their frequency: the common ones must keep their places,
    but there are many others.
    """
    weight = torch.from_numpy(np.sqrt(counts + 0.1)).float().to(words.device)[:, None]
    centred = words - (weight * words).sum(0) / weight.sum()
    _, vectors = torch.linalg.eigh(centred.T @ (weight * centred))  # ascending
    return centred @ vectors[:, -size:]
