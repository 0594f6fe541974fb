"""Slots: what is written stays, what is kept moves, what is freed is written over.

The static cache is held to all that the growing one is, and to the device's word besides.
"""

import gc
from itertools import combinations
from weakref import ref

import pytest
import torch

from engine.cache import SlotCache
from engine.device.cache import StaticCache

BOTH = pytest.mark.parametrize("kind", [SlotCache, StaticCache])
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


@BOTH
@pytest.mark.parametrize("count", range(6))
def test_a_commit_keeps_the_named_rows_in_order_and_nothing_else(count, kind):
    """Every subset of five rows, behind a text of three: overlapping moves too."""
    for path in combinations(range(5), count):
        cache = kind("target", LAYERS, CAPACITY)
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


@BOTH
def test_rows_of_one_round_may_be_written_in_several_passes(kind):
    cache = kind("draft", LAYERS, CAPACITY)
    first, _ = write(cache, 2, seed=1)
    second, _ = write(cache, 3, seed=2)
    step = cache.commit([0, 3])
    assert (step.before, step.written, step.moved) == (0, 5, ((3, 1),))
    assert torch.equal(cache.keys[..., 0, :], first[..., 0, :])
    assert torch.equal(cache.keys[..., 1, :], second[..., 1, :])


@BOTH
def test_freed_slots_are_written_over(kind):
    cache = kind("target", LAYERS, CAPACITY)
    for seed in range(50):  # far more rows than slots
        write(cache, 6, seed)
        cache.commit([])
    assert cache.length == 0


@BOTH
def test_truncation_frees_from_the_end(kind):
    cache = kind("target", LAYERS, CAPACITY)
    keys, _ = write(cache, 8, seed=1)
    cache.truncate(5)
    assert cache.length == cache.committed == cache.get_seq_length() == 5
    assert torch.equal(cache.keys[..., :5, :], keys[..., :5, :])
    for length in (-1, 6):
        with pytest.raises(ValueError, match=f"cannot cut a cache of 5 slots to {length}"):
            cache.truncate(length)


@BOTH
def test_more_rows_than_slots_are_refused_by_name(kind):
    cache = kind("target", LAYERS, CAPACITY)
    with pytest.raises(ValueError, match="cache 'target' has 12 slots, not 13"):
        write(cache, CAPACITY + 1, seed=1)


@BOTH
def test_layers_of_other_shapes_are_refused(kind):
    cache = kind("target", LAYERS, CAPACITY)
    cache.update(torch.zeros(1, 3, 1, 4), torch.zeros(1, 3, 1, 4), 0)
    with pytest.raises(ValueError, match="layers' keys differ in shape"):
        cache.update(torch.zeros(1, 2, 1, 4), torch.zeros(1, 2, 1, 4), 1)


@BOTH
def test_the_size_of_a_slot_counts_keys_and_values_of_all_layers(kind):
    cache = kind("target", LAYERS, CAPACITY)
    assert cache.slot_bytes == 0
    write(cache, 1, seed=1)
    assert cache.slot_bytes == 2 * LAYERS * HEADS * SIZE * 4


def test_both_caches_hold_the_same_slots_round_for_round():
    rng = torch.Generator().manual_seed(0)
    caches = [kind("target", LAYERS, 64) for kind in (SlotCache, StaticCache)]
    for seed in range(40):
        path = [row for row in range(6) if torch.rand((), generator=rng) < 0.5]
        for cache in caches:
            write(cache, 6, seed)
        steps = [cache.commit(path) for cache in caches]
        assert steps[0] == steps[1]
        length = caches[0].length
        assert length == caches[1].length == caches[1].committed
        for one, two in zip(*((cache.keys, cache.values) for cache in caches), strict=True):
            assert torch.equal(one[..., :length, :], two[..., :length, :])
        if length > 50:
            for cache in caches:
                cache.truncate(7)


def device_round(cache, rows, path, padded=8):
    """A round as a captured pass plays it: padded rows at slots that a tensor names."""
    start = torch.tensor([cache.committed])
    cache.rows = start + torch.arange(padded)
    shape = (LAYERS, 1, HEADS, padded, SIZE)
    keys, values = (torch.full(shape, torch.nan) for _ in range(2))
    keys[..., :rows, :], values[..., :rows, :] = 1.0, 2.0
    keys += torch.arange(padded)[:, None]
    for layer in range(LAYERS):
        seen, _ = cache.update(keys[layer], values[layer], layer)
        assert seen.data_ptr() == cache.keys[layer].data_ptr()
        assert seen.shape[-2] == cache.capacity
    cache.rows = None
    told = torch.tensor([*path, *[-1] * (padded - len(path))], dtype=torch.int32)
    cache.move(told, torch.tensor([len(path)]), start)
    return cache.settle(rows, path)


def test_a_round_on_the_device_leaves_what_one_on_the_host_leaves():
    cache = StaticCache("target", LAYERS, 24)
    text_keys, _ = write(cache, 3, seed=1)
    cache.commit(range(3))
    address = cache.slots.data_ptr()
    step = device_round(cache, 5, [0, 2, 4])
    assert (step.before, step.written, step.after, step.kept) == (3, 5, 6, (3, 5, 7))
    assert torch.equal(cache.keys[..., :3, :], text_keys)
    assert cache.keys[0, 0, 0, 3:6, 0].tolist() == [1.0, 3.0, 5.0]
    assert (cache.values[..., 3:6, :] == 2.0).all()
    assert cache.length == cache.committed == 6
    write(cache, 2, seed=2)  # and a pass from the host goes on behind it
    assert cache.length == 8 and cache.slots.data_ptr() == address


def test_a_round_that_does_not_fit_is_refused_by_name():
    cache = StaticCache("target", LAYERS, 12)
    write(cache, 8, seed=1)
    cache.commit(range(8))
    with pytest.raises(ValueError, match="cache 'target' has 12 slots, not 13"):
        cache.settle(5, [0])


def test_keys_and_values_of_one_shape_are_needed():
    cache = StaticCache("target", LAYERS, CAPACITY)
    with pytest.raises(ValueError, match="keys and values differ in shape"):
        cache.update(torch.zeros(1, 3, 1, 4), torch.zeros(1, 3, 1, 6), 0)


@BOTH
def test_slots_are_given_back_with_the_last_word_of_their_cache(kind):
    """Without a collection: the next run's slots must not have to wait for one."""
    cache = kind("target", LAYERS, CAPACITY)
    write(cache, 3, seed=1)
    slots, collects = ref(cache.keys), gc.isenabled()
    gc.disable()
    try:
        del cache
        assert slots() is None
    finally:
        if collects:
            gc.enable()
