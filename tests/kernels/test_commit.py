"""The commit of a path: every bit of every layer in its place, and nothing else touched."""

import pytest
import torch
import triton
import triton.language as tl

import kernels.commit
from kernels.commit import commit, commit_reference, commit_triton
from tests.kernels.order import ORDERS, program_order

PATHS = [[0], [0, 1, 2], [0, 3], [0, 2, 5, 6], [1, 2, 3], [0, 1, 3, 7, 8, 9], list(range(1, 40, 2))]


def slots(path, dtype=torch.float32, layers=3, heads=2, size=24, start=5):
    """Keys and values of random bits, NaN patterns and all; the round's rows end the slots."""
    shape = (layers, heads, start + max(path) + 1, size)
    stores = []
    for seed in (0, 1):
        rng = torch.Generator().manual_seed(seed)
        raw = torch.randint(0, 256, (*shape[:3], size * dtype.itemsize), generator=rng)
        stores.append(raw.to(torch.uint8).view(dtype))
    return stores


def bits(store):
    return store.contiguous().view(torch.uint8)


def run(move, stores, path, start=5, padding=3):
    padded = torch.tensor([*path, *[10**6] * padding], dtype=torch.int32)  # never to be followed
    move(*stores, padded, torch.tensor([len(path)]), torch.tensor([start], dtype=torch.int32))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("path", PATHS, ids=str)
def test_rows_move_to_the_bit(path, order):
    before = slots(path)
    expected = [store.clone() for store in before]
    run(commit_reference, expected, path)
    with program_order(order):
        run(commit_triton, before, path)
    for moved, right in zip(before, expected, strict=True):
        assert torch.equal(bits(moved), bits(right))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.uint8])
def test_every_dtype_moves_as_bits(dtype):
    before = slots([0, 2, 5], dtype)
    expected = [store.clone() for store in before]
    run(commit_reference, expected, [0, 2, 5])
    run(commit_triton, before, [0, 2, 5])
    for moved, right in zip(before, expected, strict=True):
        assert torch.equal(bits(moved), bits(right))


def test_the_reference_is_what_the_slot_cache_does():
    stores = slots([0, 2, 5])
    kept = [store[:, :, [5, 7, 10]].clone() for store in stores]
    head = [store[:, :, :5].clone() for store in stores]
    run(commit_reference, stores, [0, 2, 5])
    for store, rows, first in zip(stores, kept, head, strict=True):
        assert torch.equal(bits(store[:, :, 5:8]), bits(rows))
        assert torch.equal(bits(store[:, :, :5]), bits(first))


def test_slots_are_guarded_on_all_sides():
    """Views inside larger memory: rows before, behind, and beside stay what they were."""
    whole = torch.randn(2, 4, 5, 32, 40)
    view = whole[:, 1:3, 1:4, 6:20, 8:32]
    before, outside = whole.clone(), torch.ones_like(whole, dtype=torch.bool)
    outside[:, 1:3, 1:4, 6:20, 8:32] = False
    run(commit_triton, [view[0], view[1]], [0, 2, 3, 8], start=4)
    assert torch.equal(whole[outside], before[outside])
    assert torch.equal(view[:, :, :, 4:8], before[:, 1:3, 1:4, 6:20, 8:32][:, :, :, [4, 6, 7, 12]])


def test_a_path_longer_than_a_block_of_rows_is_safe(monkeypatch):
    for rows in (1, 2, 4):
        monkeypatch.setattr(kernels.commit, "ROWS", rows)
        before = slots(PATHS[-1])
        expected = [store.clone() for store in before]
        run(commit_reference, expected, PATHS[-1])
        run(commit_triton, before, PATHS[-1])
        assert torch.equal(bits(before[0]), bits(expected[0]))


@pytest.mark.parametrize("path", ["reference", "triton"])
def test_the_operator_moves_in_place(path, monkeypatch):
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", path)
    stores = [torch.randn(2, 1, 9, 16) for _ in range(2)]
    before = [store.clone() for store in stores]
    run(commit, stores, [0, 2], start=3)
    for store, old in zip(stores, before, strict=True):
        assert torch.equal(store[:, :, 3:5], old[:, :, [3, 5]])


def test_the_operator_is_well_formed():
    arguments = [torch.randn(2, 1, 9, 16), torch.randn(2, 1, 9, 16)]
    numbers = [torch.tensor([0, 2]), torch.tensor([2]), torch.tensor([3])]
    torch.library.opcheck(torch.ops.speculoscope.commit, (*arguments, *numbers))


def test_a_compiled_function_keeps_the_move():
    keys, values = torch.randn(2, 1, 9, 16), torch.randn(2, 1, 9, 16)
    expected = keys[:, :, 5] + 1

    @torch.compile(fullgraph=True, backend="aot_eager")
    def step(path, count, start):
        commit(keys, values, path, count, start)
        return keys[:, :, 4] + 1

    found = step(torch.tensor([0, 2]), torch.tensor([2]), torch.tensor([3]))
    assert torch.equal(found, expected)


@triton.jit
def _racy_kernel(slots_ptr, path_ptr, size, BLOCK: tl.constexpr):
    """The mistake: one program per row, each free to overwrite what another has yet to read."""
    to, dim = tl.program_id(0), tl.arange(0, BLOCK)
    row = tl.load(slots_ptr + tl.load(path_ptr + to) * size + dim, mask=dim < size)
    tl.store(slots_ptr + to * size + dim, row, mask=dim < size)


def test_another_order_of_programs_shows_a_race():
    """The orders' own control: a racy move passes in the interpreter's order alone."""
    path = torch.arange(0, 16, 2)
    for order in ORDERS:
        store = torch.randn(16, 16)
        expected = store[path]
        with program_order(order):
            _racy_kernel[(8,)](store, path, 16, BLOCK=16)
        assert torch.equal(store[:8], expected) == (order == "ascending"), order
