"""After every round the caches hold what a fresh prefill of the committed text would."""

import pytest
import torch
from transformers import DynamicCache

from engine.config import DecodeConfig
from engine.decoding import Run
from tests.fakes import METHODS, tiny_bundle

BUSHY = ((0,), (1,), (2,), (0, 0), (0, 1), (1, 0), (0, 0, 0), (1, 0, 0), (0, 0, 0, 0))


def fresh(model, tokens) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Keys and values per layer of one pass over ``tokens``."""
    cache = DynamicCache()
    with torch.inference_mode():
        model(input_ids=torch.tensor([tokens]), past_key_values=cache, use_cache=True)
    return [(layer.keys, layer.values) for layer in cache.layers]


def assert_holds(context, text) -> None:
    """The cache's committed slots are those of ``text``'s beginning."""
    length = context.cache.committed
    assert context.cache.length == length
    if length == 0:
        return
    for layer, (keys, values) in enumerate(fresh(context.model, text[:length])):
        torch.testing.assert_close(
            context.cache.keys[layer][:, :, :length], keys, atol=1e-5, rtol=0
        )
        torch.testing.assert_close(
            context.cache.values[layer][:, :, :length], values, atol=1e-5, rtol=0
        )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("tree", [5, BUSHY])
def test_cached_rows_equal_a_fresh_prefill_after_every_round(method, temperature, tree):
    bundle = tiny_bundle(12, 31)
    config = DecodeConfig(method, 24, temperature=temperature, tree=tree, num_draft=4, seed=3)
    run = Run(bundle, [1, 2, 3, 1, 2], config)
    lengths: dict[str, int] = {"target": 4, "draft": 4}
    for this in run:
        assert run._target.committed == len(run.history) - 1  # the root is never cached
        assert_holds(run._target, run.history)
        if method.startswith("draft"):
            assert_holds(run._drafter.context, run.history)
        for step in this.caches:
            assert step.before == lengths[step.name]
            lengths[step.name] = step.after
        contexts = {"target": run._target, "draft": getattr(run._drafter, "context", None)}
        for name, length in lengths.items():
            assert contexts[name] is None or contexts[name].committed == length


def test_the_audit_sees_one_slot_that_is_not_right():
    bundle = tiny_bundle(12, 31)
    run = Run(bundle, [1, 2, 3], DecodeConfig("plain", 8))
    next(run)
    with torch.inference_mode():
        run._target.cache.keys[0][:, :, 1] += 0.1
    with pytest.raises(AssertionError):
        assert_holds(run._target, run.history)


def test_moved_rows_are_the_rows_that_were_written():
    """What the record says of the slots is what happened to the tensors."""
    bundle = tiny_bundle(12, 37)
    config = DecodeConfig("draft_tree", 40, temperature=1.5, tree=BUSHY, seed=1)
    run = Run(bundle, [1, 2, 3], config)
    cache, moves = run._target.cache, 0
    while run._emission.reason is None:
        before = {}
        commit = cache.commit

        def spy(path, before=before, commit=commit):
            before["keys"] = cache.keys.clone()
            return commit(path)

        cache.commit = spy
        this = next(run)
        cache.commit = commit
        (step, *_) = this.caches
        assert step.written == len(this.nodes)
        for source, to in step.moved:
            moves += 1
            assert torch.equal(cache.keys[..., to, :], before["keys"][..., source, :])
    assert moves > 0


def test_a_fully_accepted_chain_leaves_a_hole_in_the_draft_cache_that_is_filled_next_round():
    """The draft model never read its last token: it is one slot short, then catches up."""
    bundle = tiny_bundle(12, 41)
    bundle.draft = bundle.target  # its own draft: everything is accepted
    rounds = list(Run(bundle, [5], DecodeConfig("draft", 17, tree=4, num_draft=4)))
    full = [this for this in rounds[:-1] if this.nodes.num_accepted == 4]
    assert len(full) >= 2
    for this, following in zip(full, rounds[1:], strict=False):
        target, draft = this.caches
        assert draft.after == target.after - 1
        caught_up = following.caches[1]
        assert caught_up.before == draft.after
        assert caught_up.written == 2 + following.nodes.num_drafted - 1


def test_rounds_that_draft_nothing_do_not_leave_the_draft_behind():
    """The last token of a run leaves no room to draft; then the next run's cache is fresh."""
    bundle = tiny_bundle(12, 43)
    run = Run(bundle, [5, 6], DecodeConfig("draft", 9, tree=3, num_draft=3))
    for this in run:
        if this.nodes.num_drafted == 0:
            assert len(this.caches) == 1
    assert run.end.tokens == 9
