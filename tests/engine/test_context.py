"""One masked pass over a tree reads every node as if its path stood alone: full attention."""

from itertools import count

import pytest
import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from engine import context as contexts
from engine.context import PREFILL_CHUNK, Context
from engine.cut_short import StoppedError
from engine.tree import depths
from tests.fakes import tiny_llama

VOCAB = 20
SIZES = {
    "vocab_size": VOCAB,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 64,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}
GROUPED = SIZES | {"num_key_value_heads": 1, "head_dim": 8}
MODELS = {
    "gpt2": lambda: GPT2LMHeadModel(
        GPT2Config(
            vocab_size=VOCAB,
            n_embd=16,
            n_layer=2,
            n_head=2,
            n_positions=64,
            bos_token_id=None,
            eos_token_id=None,
        )
    ),
    "gpt_neox": lambda: GPTNeoXForCausalLM(GPTNeoXConfig(**SIZES)),
    "mistral": lambda: MistralForCausalLM(MistralConfig(**GROUPED, sliding_window=None)),
    "opt": lambda: OPTForCausalLM(
        OPTConfig(**SIZES | {"pad_token_id": 1}, ffn_dim=24, word_embed_proj_dim=16)
    ),
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**SIZES | {"num_key_value_heads": 1})),
    "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**GROUPED)),
    "llama": lambda: tiny_llama(VOCAB, 3),
}
PARENTS = (-1, 0, 0, 1, 3, 2, 2, 5)
TOKENS = (3, 0, 7, 7, 1, 0, 4, 2)
TEXT = (5, 0, 9, 9, 2)


def path_to(node: int) -> list[int]:
    """The tokens from the root down to ``node``."""
    path = []
    while node >= 0:
        path.append(TOKENS[node])
        node = PARENTS[node]
    return path[::-1]


def alone(model, text) -> torch.Tensor:
    """[V] logits behind ``text``, read at once and without a cache."""
    with torch.inference_mode():
        return model(torch.tensor([list(text)]), use_cache=False).logits[0, -1]


@pytest.fixture(params=MODELS)
def model(request):
    torch.manual_seed(0)
    return MODELS[request.param]().eval()


@pytest.mark.parametrize("text", [TEXT, ()], ids=["behind a text", "from nothing"])
def test_a_tree_is_read_as_its_paths_would_be_alone(model, text):
    context = Context(model, 32, "target")
    with torch.inference_mode():
        context.prefill(text)
        logits = context.extend(TOKENS, PARENTS)
    for node in range(len(TOKENS)):
        expected = alone(model, (*text, *path_to(node)))
        torch.testing.assert_close(logits[node], expected, atol=2e-5, rtol=1e-4)


def test_a_tree_may_be_read_level_by_level(model):
    """As a draft model reads it: each level sees the rows of the earlier ones."""
    context, levels = Context(model, 32, "draft"), {}
    rows = [0]  # node -> row; level by level, nodes stand in another order
    with torch.inference_mode():
        context.prefill(TEXT)
        for depth in range(max(depths(PARENTS)) + 1):
            levels[depth] = [n for n, d in enumerate(depths(PARENTS)) if d == depth]
        rows = {node: row for row, node in enumerate(sum(levels.values(), []))}
        for nodes in levels.values():
            parents = [rows[PARENTS[node]] if PARENTS[node] >= 0 else -1 for node in nodes]
            logits = context.extend([TOKENS[node] for node in nodes], parents)
            for node, row in zip(nodes, logits, strict=True):
                expected = alone(model, (*TEXT, *path_to(node)))
                torch.testing.assert_close(row, expected, atol=2e-5, rtol=1e-4)


def test_what_is_read_behind_a_committed_path_is_read_as_if_nothing_else_had_been(model):
    context = Context(model, 32, "target")
    with torch.inference_mode():
        context.prefill(TEXT)
        context.extend(TOKENS, PARENTS)
        step = context.commit([0, 2, 5, 7])
        logits = context.extend([6, 8], [-1, 0])
    assert step.moved == ((7, 6), (10, 7), (12, 8))
    assert context.committed == 9
    text = (*TEXT, *path_to(7))
    for row, more in zip(logits, ([6], [6, 8]), strict=True):
        torch.testing.assert_close(row, alone(model, (*text, *more)), atol=2e-5, rtol=1e-4)


def test_a_long_prompt_is_read_in_parts_that_add_up(model, monkeypatch):
    monkeypatch.setattr(contexts, "PREFILL_CHUNK", 3)
    context, text = Context(model, 32, "target"), [*TEXT, 1, 0, 4]
    with torch.inference_mode():
        context.prefill(text)
        logits = context.extend([2], [-1])
    assert context.committed == 8
    torch.testing.assert_close(logits[0], alone(model, [*text, 2]), atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("most", [1, 2, 3, 5, 256])
def test_what_catches_up_reads_few_rows_at_a_time_and_makes_the_last_ones_logits(
    model, most, monkeypatch
):
    """Rows of one pass are those of a tree: a kernel takes ``MAX_ROWS``."""
    monkeypatch.setattr(contexts, "MAX_ROWS", most)
    context, sizes = Context(model, 32, "draft"), []
    heard = model.register_forward_pre_hook(
        lambda _, args, options: sizes.append(options["input_ids"].shape[1]), with_kwargs=True
    )
    with torch.inference_mode():
        context.prefill([7, 7])
        sizes.clear()
        logits = context.catch_up(TEXT)
    heard.remove()
    assert logits.shape == (1, VOCAB)
    assert sum(sizes) == len(TEXT) and max(sizes) <= most
    torch.testing.assert_close(logits[0], alone(model, (7, 7, *TEXT)), atol=2e-5, rtol=1e-4)
    step = context.commit(range(len(TEXT)))
    assert (step.before, step.after) == (2, 2 + len(TEXT))


@pytest.mark.parametrize("passes", [0, 1, 3])
def test_a_stop_is_heard_between_two_passes_over_the_prompt(passes):
    """A prompt of thousands of tokens takes a busy machine minutes."""
    context, looks = Context(tiny_llama(32, 0, context=2048), 2048, "target"), count()
    read = passes * PREFILL_CHUNK
    with torch.inference_mode(), pytest.raises(StoppedError, match=f"after {read:,} of"):
        context.prefill([1] * (3 * PREFILL_CHUNK + 1), lambda: next(looks) == passes)
    assert context.committed == read
