"""Hydra++'s cache holds after every round what one fresh pass over the text's states would."""

import pytest
import torch
from transformers import DynamicCache

from engine.config import DecodeConfig
from engine.context import PREFILL_CHUNK
from engine.decoding import Run
from engine.heads import prefix_reader
from tests.engine.heads.guessers import head_bundle
from tests.engine.heads.test_guessing import BUSHY, hidden_states


def assert_holds(run, bundle):
    """Keys and values of the committed slots, against a pass over the target's own states."""
    context = run._drafter.context
    length = context.cache.committed
    assert context.cache.length == length
    if not length:
        return
    states, fresh = hidden_states(bundle, run.history[:length]), DynamicCache()
    with torch.inference_mode():
        context.model(states[None], cache=fresh)
    for held, layer in ((context.cache.keys, "keys"), (context.cache.values, "values")):
        expected = getattr(fresh.layers[0], layer)
        torch.testing.assert_close(held[0][:, :, :length], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("tree", [5, BUSHY, 0])
@pytest.mark.parametrize("drafting", ["top", "sampled"])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_cached_rows_equal_a_fresh_pass_after_every_round(tree, drafting, temperature):
    bundle = head_bundle("hydra++", 12, 31)
    options = {"tree": tree, "drafting": drafting, "temperature": temperature, "seed": 3}
    run = Run(bundle, [1, 2, 3, 1, 2], DecodeConfig("hydra++", 24, **options))
    slots = 4
    assert run._drafter.context.committed == slots
    for this in run:
        assert_holds(run, bundle)
        steps = [step for step in this.caches if step.name == "hydra++"]
        assert len(steps) == (1 if this.index and this.nodes.num_drafted else 0)
        for step in steps:  # it catches up with the text but for the root
            assert (step.before, step.after) == (slots, this.start - 1)
            assert step.written == step.after - step.before
            slots = step.after
        assert run._drafter.context.committed == slots


def test_the_audit_sees_a_slot_that_is_not_right():
    bundle = head_bundle("hydra++", 12, 31)
    run = Run(bundle, [1, 2, 3], DecodeConfig("hydra++", 8, tree=2))
    next(run)
    with torch.inference_mode():
        run._drafter.context.cache.values[0][:, :, 1] += 0.1
    with pytest.raises(AssertionError):
        assert_holds(run, bundle)


def test_rounds_that_drafted_nothing_are_caught_up_with_in_parts(monkeypatch):
    """As after a long stretch in which drafting did not pay."""
    monkeypatch.setattr(prefix_reader, "PREFILL_CHUNK", 4)
    bundle = head_bundle("hydra++", 12, 31)
    run = Run(bundle, [1, 2, 3, 4, 5, 6, 7], DecodeConfig("hydra++", 60, tree=4))
    run._drafter.dynamic.tree = 0
    for _ in range(11):
        assert len(next(run).caches) == 1
    run._drafter.dynamic.tree = 4
    step = next(run).caches[1]
    assert (step.before, step.written) == (6, 11)
    assert_holds(run, bundle)
    assert PREFILL_CHUNK > 4


def test_a_long_prompt_is_read_in_parts_to_the_same_slots(monkeypatch):
    prompt = [token % 12 for token in range(50)]
    whole = Run(head_bundle("hydra++", 12, 31), prompt, DecodeConfig("hydra++", 12, tree=4))
    monkeypatch.setattr("engine.context.PREFILL_CHUNK", 7)
    monkeypatch.setattr(prefix_reader, "PREFILL_CHUNK", 9)
    bundle = head_bundle("hydra++", 12, 31)
    parts = Run(bundle, prompt, DecodeConfig("hydra++", 12, tree=4))
    assert parts._drafter.context.committed == 49
    assert_holds(parts, bundle)
    assert [this.nodes.token for this in parts] == [this.nodes.token for this in whole]
