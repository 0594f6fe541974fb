"""Heads that share the target's output layer get the target's own logits of a state from it."""

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    CohereConfig,
    Gemma2Config,
    GraniteConfig,
    HyperCLOVAXConfig,
    MiniCPM3Config,
    NanoChatConfig,
    PreTrainedModel,
)

from engine.heads.attach_feature_head import attach_feature_head
from engine.heads.attach_guessing import attach_guessing
from engine.heads.eagle import EagleHead
from engine.heads.head_config import layer_config
from engine.heads.logit_shape import PLAIN, logit_shape, shaped_head
from engine.heads.medusa import MedusaHeads
from tests.engine.heads.guessers import random_heads
from tests.fakes import tiny_llama

V, H = 12, 32
SIZES = {
    "vocab_size": V,
    "hidden_size": H,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "max_position_embeddings": 64,
    "initializer_range": 0.3,
    "pad_token_id": None,
    "bos_token_id": None,
    "eos_token_id": None,
}
LATENT = {"q_lora_rank": 16, "kv_lora_rank": 16, "qk_nope_head_dim": 8, "qk_rope_head_dim": 8}
SHAPED = {
    "granite": GraniteConfig(**SIZES, logits_scaling=8.0),
    "cohere": CohereConfig(**SIZES, logit_scale=0.0625),
    "gemma2": Gemma2Config(**SIZES, head_dim=8, sliding_window=64, final_logit_softcapping=3.0),
    "minicpm3": MiniCPM3Config(**SIZES, **LATENT, v_head_dim=8, dim_model_base=16),
    "nanochat": NanoChatConfig(**SIZES, final_logit_softcapping=2.0),
    "hyperclovax": HyperCLOVAXConfig(**SIZES, logits_scaling=0.25),
}
IDS = torch.tensor([[3, 1, 4, 1, 5]])


def shaped(name: str) -> PreTrainedModel:
    """A random target of that kind."""
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(SHAPED[name]).eval().requires_grad_(False)


def states_and_logits(target: PreTrainedModel) -> tuple[torch.Tensor, torch.Tensor]:
    """Its last states [5, H] and what it makes of them itself [5, V]."""
    told = target(IDS, output_hidden_states=True)
    return told.hidden_states[-1][0], told.logits[0]


@pytest.mark.parametrize("name", SHAPED)
def test_shared_logits_are_the_targets_own(name):
    target = shaped(name)
    states, logits = states_and_logits(target)
    bare = target.get_output_embeddings()(states)
    assert not torch.allclose(bare, logits, rtol=0.1)  # else there is nothing to see here
    heads = random_heads("medusa", target.config, 1)
    layer = layer_config({key: SIZES[key] for key in list(SIZES)[:6]})
    for attached in (
        attach_guessing(heads, target, packed=False),
        attach_feature_head(EagleHead(layer), target, packed=False),
    ):
        torch.testing.assert_close(attached.lm_head(states), logits)


@pytest.mark.parametrize("name", ["granite", "gemma2"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_part_of_the_output_layer_is_shaped_too(name, packed):
    target, ids = shaped(name), torch.tensor([1, 4, 9])
    states, logits = states_and_logits(target)
    heads = MedusaHeads(H, 2, draft_vocab=3)
    heads.token_map.copy_(ids)
    attached = attach_guessing(heads.eval(), target, packed=packed)
    torch.testing.assert_close(attached.lm_head(states), logits[:, ids])


def test_where_nothing_is_made_of_the_products_the_layer_itself_is_asked():
    target = tiny_llama(V, 0)
    assert logit_shape(target.config) == PLAIN
    rows = target.get_output_embeddings()
    assert shaped_head(rows, target.config) is rows


def test_heads_with_an_output_layer_of_their_own_speak_for_themselves():
    target, keys = shaped("granite"), frozenset({"embed_tokens.weight", "lm_head.weight"})
    head = EagleHead(layer_config({key: SIZES[key] for key in list(SIZES)[:6]}), keys)
    assert attach_feature_head(head, target, packed=False).lm_head is head.lm_head
