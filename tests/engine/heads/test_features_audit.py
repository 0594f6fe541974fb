"""EAGLE's cache holds after every round what one fresh pass over true features would."""

import pytest
import torch
from transformers import DynamicCache

from engine.config import DecodeConfig
from engine.decoding import Run
from engine.heads import feature_reader
from tests.engine.heads.features import FEATURES, feature_bundle
from tests.engine.heads.test_features import BUSHY


def assert_holds(run, bundle):
    """Keys and values of the committed slots, against a pass over the target's own states."""
    context = run._drafter.context
    length = context.cache.committed
    assert context.cache.length == length
    if not length:
        return
    text, attached, fresh = run.history[: length + 1], context.attached, DynamicCache()
    with torch.inference_mode():
        told = bundle.target.base_model(torch.tensor([text[:-1]]), output_hidden_states=True)
        states = torch.cat([told.hidden_states[tap] for tap in attached.taps], -1)
        words = attached.embed(torch.tensor([text[1:]]))
        head = attached.head
        head(head.fuse(states), words, torch.arange(length)[None], None, fresh)
    for held, layer in ((context.cache.keys, "keys"), (context.cache.values, "values")):
        expected = getattr(fresh.layers[0], layer)
        torch.testing.assert_close(held[0][:, :, :length], expected, atol=2e-5, rtol=1e-4)


DRAWN = {"temperature": 1.0, "drafting": "sampled"}


@pytest.mark.parametrize("method", FEATURES)
@pytest.mark.parametrize("tree", [5, BUSHY, 0])
@pytest.mark.parametrize("options", [{}, {"temperature": 1.0}, DRAWN])
def test_cached_rows_equal_a_fresh_pass_after_every_round(method, tree, options):
    """Also where self-fed rows were read for tokens that were then accepted."""
    bundle = feature_bundle(method, 12, 31)
    run = Run(bundle, [1, 2, 3, 1, 2], DecodeConfig(method, 24, tree=tree, seed=3, **options))
    slots = 3  # the last pair of the prompt waits for the first draft
    assert run._drafter.context.committed == slots
    for this in run:
        assert_holds(run, bundle)
        steps = [step for step in this.caches if step.name == "eagle"]
        assert len(steps) == (1 if this.nodes.num_drafted else 0)
        for step in steps:  # it catches up with the text, the root included
            assert (step.before, step.after) == (slots, this.start - 1)
            assert step.kept == tuple(range(step.before, step.after)) and not step.moved
            slots = step.after
        assert run._drafter.context.committed == slots


@pytest.mark.parametrize("method", FEATURES)
def test_the_audit_sees_rows_whose_features_are_a_little_off(method):
    """The control, and why self-fed rows are not kept: a prediction is not the feature."""
    bundle = feature_bundle(method, 12, 31)
    run = Run(bundle, [1, 2, 3, 1, 2], DecodeConfig(method, 24, tree=5))
    reader = run._drafter.reader
    states = reader._states
    reader._states = lambda: states() + 0.01
    next(run)
    assert_holds(run, bundle)  # what waited was right
    next(run)
    with pytest.raises(AssertionError):
        assert_holds(run, bundle)


def test_rounds_that_drafted_nothing_are_caught_up_with_in_parts(monkeypatch):
    """As after a long stretch in which drafting did not pay."""
    monkeypatch.setattr(feature_reader, "PREFILL_CHUNK", 4)
    bundle = feature_bundle("eagle", 12, 31)
    run = Run(bundle, [1, 2, 3, 4, 5, 6, 7], DecodeConfig("eagle", 60, tree=4))
    run._planner.tree = 0
    for _ in range(11):
        assert len(next(run).caches) == 1
    run._planner.tree = 4
    this = next(run)
    step = this.caches[1]
    assert (step.before, step.after) == (5, this.start - 1) and step.after == 17
    assert_holds(run, bundle)


def test_a_long_prompt_is_read_in_parts_to_the_same_slots(monkeypatch):
    prompt = [token % 12 for token in range(50)]
    whole = Run(feature_bundle("eagle3", 12, 31), prompt, DecodeConfig("eagle3", 12, tree=4))
    monkeypatch.setattr("engine.context.PREFILL_CHUNK", 7)
    monkeypatch.setattr(feature_reader, "PREFILL_CHUNK", 9)
    bundle = feature_bundle("eagle3", 12, 31)
    parts = Run(bundle, prompt, DecodeConfig("eagle3", 12, tree=4))
    assert parts._drafter.context.committed == 48
    assert_holds(parts, bundle)
    assert [this.nodes.token for this in parts] == [this.nodes.token for this in whole]


def test_a_fully_accepted_chain_leaves_no_hole():
    """The last accepted token was never read by the head: its pair is read in the next round."""
    for seed in range(40):
        bundle = feature_bundle("eagle", 12, seed)
        run = Run(bundle, [1, 2, 3], DecodeConfig("eagle", 30, tree=((0,), (0, 0))))
        for this in run:
            if this.nodes.num_accepted == 2 and run._emission.max_depth >= 2:
                following = next(run)
                step = following.caches[1]
                assert step.after - step.before == 3  # two accepted and the bonus
                assert_holds(run, bundle)
                return
    raise AssertionError("no chain was fully accepted")
