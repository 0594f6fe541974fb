"""Slots: what is written stays, what is kept moves, what is freed is written over."""

from itertools import combinations

import pytest
import torch

from engine.cache import SlotCache

LAYERS, HEADS, SIZE, CAPACITY = 2, 3, 4, 12


def write(cache: SlotCache, rows: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Write random rows to every layer as a model does; returns them, [L, 1, H, rows, D]."""
    rng = torch.Generator().manual_seed(seed)
    shape = (LAYERS, 1, HEADS, rows, SIZE)
    keys, values = (torch.randn(shape, generator=rng) for _ in range(2))
    for layer in range(LAYERS):
        seen_keys, seen_values = cache.update(keys[layer], values[layer], layer)
        assert seen_keys.shape[-2] == seen_values.shape[-2] == cache.layers[layer].length
        assert torch.equal(seen_keys[:, :, -rows:], keys[layer])
    return keys, values


@pytest.mark.parametrize("count", range(6))
def test_a_commit_keeps_the_named_rows_in_order_and_nothing_else(count):
    """Every subset of five rows, behind a text of three: overlapping moves too."""
    for path in combinations(range(5), count):
        cache = SlotCache("target", LAYERS, CAPACITY)
        text_keys, text_values = write(cache, 3, seed=1)
        cache.commit(range(3))
        keys, values = write(cache, 5, seed=2)
        step = cache.commit(path)
        assert (step.before, step.written, step.after) == (3, 5, 3 + count)
        assert step.kept == tuple(3 + row for row in path)
        assert cache.length == cache.committed == 3 + count
        for store, text, rows in (
            (cache.keys, text_keys, keys),
            (cache.values, text_values, values),
        ):
            assert torch.equal(store[..., :3, :], text)
            assert torch.equal(store[..., 3 : 3 + count, :], rows[..., list(path), :])


def test_rows_of_one_round_may_be_written_in_several_passes():
    cache = SlotCache("draft", LAYERS, CAPACITY)
    first, _ = write(cache, 2, seed=1)
    second, _ = write(cache, 3, seed=2)
    step = cache.commit([0, 3])
    assert (step.before, step.written, step.moved) == (0, 5, ((3, 1),))
    assert torch.equal(cache.keys[..., 0, :], first[..., 0, :])
    assert torch.equal(cache.keys[..., 1, :], second[..., 1, :])


def test_freed_slots_are_written_over():
    cache = SlotCache("target", LAYERS, CAPACITY)
    for seed in range(50):  # far more rows than slots
        write(cache, 6, seed)
        cache.commit([])
    assert cache.length == 0


def test_truncation_frees_from_the_end():
    cache = SlotCache("target", LAYERS, CAPACITY)
    keys, _ = write(cache, 8, seed=1)
    cache.truncate(5)
    assert cache.length == cache.committed == cache.get_seq_length() == 5
    assert torch.equal(cache.keys[..., :5, :], keys[..., :5, :])
    for length in (-1, 6):
        with pytest.raises(ValueError, match=f"cannot cut a cache of 5 slots to {length}"):
            cache.truncate(length)


def test_more_rows_than_slots_are_refused_by_name():
    cache = SlotCache("target", LAYERS, CAPACITY)
    with pytest.raises(ValueError, match="cache 'target' has 12 slots, not 13"):
        write(cache, CAPACITY + 1, seed=1)


def test_layers_of_other_shapes_are_refused():
    cache = SlotCache("target", LAYERS, CAPACITY)
    cache.update(torch.zeros(1, 3, 1, 4), torch.zeros(1, 3, 1, 4), 0)
    with pytest.raises(ValueError, match="layers' keys differ in shape"):
        cache.update(torch.zeros(1, 2, 1, 4), torch.zeros(1, 2, 1, 4), 1)


def test_the_size_of_a_slot_counts_keys_and_values_of_all_layers():
    cache = SlotCache("target", LAYERS, CAPACITY)
    assert cache.slot_bytes == 0
    write(cache, 1, seed=1)
    assert cache.slot_bytes == 2 * LAYERS * HEADS * SIZE * 4
