"""Whichever way hidden states are asked for, a tap is the same state."""

import pytest
import torch

from engine import taps
from engine.context import Context
from tests.engine.small_llamas import llama

PROMPT, LAYERS = [5, 9, 3, 17], 3


@pytest.mark.parametrize("names_states", [taps.NAMES_STATES, False])
@torch.inference_mode()
def test_a_tap_is_the_state_of_that_number(names_states, monkeypatch):
    monkeypatch.setattr(taps, "NAMES_STATES", names_states)
    model = llama()
    right = model(torch.tensor([PROMPT]), use_cache=False, output_hidden_states=True).hidden_states
    assert len(right) == LAYERS + 1
    for tap in range(LAYERS + 1):
        context = Context(model, 16, "target", (tap,))
        context.extend(PROMPT, range(-1, len(PROMPT) - 1))
        assert torch.allclose(context.states(tap), right[tap][0], atol=1e-5), tap
