"""A tiny target with a tied head, answers of its own, and their labels and states on disk."""

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from train.collect import top_law
from train.corpus import Row
from train.labels import LabelStore, is_held_out
from train.state_feed import Part
from train.states import StateStore, read_states

VOCAB, SIZE = 23, 16


def tiny_target(seed: int = 0, layers: int = 4) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=SIZE,
        intermediate_size=24,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=64,
        initializer_range=0.3,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )
    return LlamaForCausalLM(config).eval().requires_grad_(False)


def tiny_part(target: LlamaForCausalLM, folder, rows: int = 40, seed: int = 0) -> Part:
    """Random rows of 8 to 12 tokens, the assistant's from the fourth on, with whole laws.

    Every twentieth is held out.
    """
    rng = np.random.default_rng(seed)
    told = [Row(random_ids(rng, number % 20 == 19), 3, True) for number in range(rows)]
    labels = LabelStore.create(folder, told, VOCAB, {})
    states = StateStore.create(folder, labels, SIZE)
    for row in range(rows):
        ((last, kept),) = read_states(target, [labels.row_ids(row)])
        logprobs, ids = top_law(target, last, VOCAB)
        labels.write(row, ids.int().numpy(), logprobs.half().numpy())
        states.write(row, labels.span(row), kept)
    return Part(labels, states)


def random_ids(rng: np.random.Generator, is_held: bool) -> list[int]:
    """A row whose first three tokens are a request that is held out, or is not."""
    while True:
        ids = rng.integers(0, VOCAB, rng.integers(8, 13))
        if is_held_out(ids[:3]) == is_held:
            return ids.tolist()
