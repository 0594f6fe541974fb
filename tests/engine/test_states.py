"""The hidden states that a context keeps are those that transformers itself would give."""

import pytest
import torch

from engine import context as contexts
from engine.context import Context
from engine.packed import pack
from tests.engine.test_context import MODELS, PARENTS, TOKENS, VOCAB
from tests.fakes import tiny_llama

PROMPT = [1, 5, 0, 3, 3, 8, 2]


def path_to(row):
    """The tokens of the round from the committed text down to ``row``."""
    path = []
    while row >= 0:
        path.insert(0, TOKENS[row])
        row = PARENTS[row]
    return path


def expected(model, tokens, tap):
    """[T, H] of one plain pass over ``tokens``."""
    with torch.inference_mode():
        told = model(input_ids=torch.tensor([tokens]), output_hidden_states=True)
    return told.hidden_states[tap][0]


@pytest.mark.parametrize("name", MODELS)
def test_a_trees_states_are_those_of_its_paths_read_alone(name):
    torch.manual_seed(0)
    model = MODELS[name]().eval()
    taps = (0, 1, model.config.get_text_config().num_hidden_layers)
    context = Context(model, 64, "target", taps)
    with torch.inference_mode():
        context.prefill(PROMPT)
        context.extend(TOKENS, PARENTS)
    for tap in taps:
        states = context.states(tap)
        assert len(states) == len(TOKENS)
        for row in range(len(TOKENS)):
            alone = expected(model, PROMPT + path_to(row), tap)[-1]
            torch.testing.assert_close(states[row], alone, atol=1e-4, rtol=1e-4)


def test_the_last_tap_comes_after_the_final_norm():
    model = tiny_llama(VOCAB, 3)
    context = Context(model, 64, "target", (2,))
    with torch.inference_mode():
        logits = context.extend(TOKENS, PARENTS)
        torch.testing.assert_close(model.lm_head(context.states(2)), logits)


@pytest.mark.parametrize("chunk", [1, 3, 512])
def test_a_prompts_states_are_all_kept_where_they_are_asked_for_and_else_the_last(
    chunk, monkeypatch
):
    monkeypatch.setattr(contexts, "PREFILL_CHUNK", chunk)
    model = tiny_llama(VOCAB, 3)
    whole = expected(model, PROMPT, 1)
    for keeps, kept in ((True, whole), (False, whole[-1:])):
        context = Context(model, 64, "target", (1, 2), keeps_prompt=keeps)
        with torch.inference_mode():
            context.prefill(PROMPT)
        torch.testing.assert_close(context.states(1), kept, atol=1e-5, rtol=1e-5)


def test_without_taps_or_without_tokens_there_are_no_states():
    model = tiny_llama(VOCAB, 3)
    with torch.inference_mode():
        context = Context(model, 64, "target")
        context.prefill(PROMPT)
        context.extend([1], [-1])
        assert context.states(2) is None
        context = Context(model, 64, "target", (2,))
        context.prefill([])
        assert context.states(2) is None


def test_a_model_that_is_not_asked_for_states_gives_none():
    """Methods that need none must not pay for them."""
    model, asked = tiny_llama(VOCAB, 3), []
    forward = model.forward

    def spy(*args, **options):
        asked.append(options.get("output_hidden_states"))
        return forward(*args, **options)

    model.forward = spy
    with torch.inference_mode():
        Context(model, 64, "target").extend([1], [-1])
        Context(model, 64, "target", (1,)).extend([1], [-1])
    assert asked == [None, [1]]


def test_packed_modules_have_states_too():
    model, packed = tiny_llama(VOCAB, 3), tiny_llama(VOCAB, 3)
    assert pack(packed) > 0
    found = []
    for each in (model, packed):
        context = Context(each, 64, "target", (1, 2))
        with torch.inference_mode():
            context.prefill(PROMPT)
            context.extend(TOKENS, PARENTS)
        found.append([context.states(tap) for tap in (1, 2)])
    for plain, fast in zip(*found, strict=True):
        torch.testing.assert_close(fast, plain, atol=1e-4, rtol=1e-4)
