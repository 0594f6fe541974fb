"""Rotary frequencies that follow a pass's positions: where a tree would be read by other ones."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from engine.attention.tree_attention import use_tree_attention
from engine.config import DecodeConfig
from engine.decoding import decode
from engine.device.run import why_not_static
from engine.positions import follows_positions, longest_context
from tests.fakes import tiny_bundle

LENGTH = 32


def scaled(kind, **more):
    """A Llama with rotary frequencies of that kind, made for ``LENGTH`` tokens at first."""
    rope = {"rope_type": kind, "rope_theta": 1e4, **more}
    if kind == "longrope":
        rope |= {"short_factor": [1.0] * 4, "long_factor": [8.0] * 4}
        rope |= {"original_max_position_embeddings": LENGTH}
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=32, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
        initializer_range=0.3, rope_parameters=rope, bos_token_id=None, eos_token_id=None,
        pad_token_id=None,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


@pytest.mark.parametrize(
    ("kind", "more", "length"),
    [
        ("default", {}, 64),
        ("linear", {"factor": 2.0}, 64),
        ("dynamic", {"factor": 4.0}, 64),
        ("longrope", {"factor": 2.0}, LENGTH),
    ],
)
def test_a_context_ends_where_the_frequencies_would_change(kind, more, length):
    model = scaled(kind, **more)
    assert longest_context(model.config) == length
    assert follows_positions(model.config) == (kind in ("dynamic", "longrope"))
    bundle = tiny_bundle(32, 0)
    bundle.target = model
    assert bundle.context_length == length


def test_kinds_of_layers_may_have_frequencies_of_their_own():
    config = scaled("default").config
    config.rope_parameters = {
        "full_attention": {"rope_type": "longrope", "original_max_position_embeddings": 40},
        "sliding_attention": {"rope_type": "default"},
    }
    assert longest_context(config) == 40 and follows_positions(config)


@pytest.mark.parametrize("method", ["lookup", "suffix", "draft", "draft_tree"])
@pytest.mark.parametrize("start", [1, LENGTH - 6, LENGTH - 1])
def test_a_model_with_two_sets_of_frequencies_is_decoded_exactly_up_to_its_end(method, start):
    """The control: read as far as its config says, trees near the first set's end change it."""
    bundle = tiny_bundle(32, 0)
    bundle.target = scaled("longrope", factor=2.0)
    prompt = [(7 * place + 3) % 8 for place in range(start)]
    texts = []
    for chosen in ("plain", method):
        run = decode(bundle, prompt, DecodeConfig(chosen, 60, tree=8))
        list(run)
        texts.append(run.generated)
        assert run.end.reason == "context"
    assert texts[0] == texts[1] and len(texts[0]) == LENGTH - start


@pytest.mark.parametrize(("kind", "is_left"), [("default", False), ("dynamic", True)])
def test_what_the_host_has_to_read_is_not_captured(kind, is_left):
    bundle = tiny_bundle(32, 0)
    bundle.target = scaled(kind, factor=4.0)
    use_tree_attention(bundle.target)
    reason = why_not_static(bundle, DecodeConfig())
    assert ("frequencies follow the positions" in (reason or "")) == is_left
