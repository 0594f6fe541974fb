"""commit: the accepted path's keys and values move to where the text goes on.

    slots[l, h, start + i] = slots[l, h, start + path[i]]        i < count

in place, for every layer and head of keys and values in one launch.  ``path`` ascends from the
root, so path[i] >= i: rows move down only.  A program moves a few rows at a time, all read
before any is written; later rows stand above every place written so far.
"""

import torch

from kernels.device import on_its_device, runs_triton
from kernels.language import tl, triton

ROWS = 16  # moved at a time by one program

_INTEGER = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}  # bits, not numbers


def commit_reference(
    keys: torch.Tensor,
    values: torch.Tensor,
    path: torch.Tensor,
    count: torch.Tensor,
    start: torch.Tensor,
) -> None:
    """Eager version, in place; arguments as for ``commit``."""
    first = int(start)
    sources = first + path[: int(count)].long()
    for slots in (keys, values):
        slots[:, :, first : first + len(sources)] = slots[:, :, sources]  # indexing copies


@triton.jit
def _commit_kernel(
    keys_ptr,  # [L, H, slots, D]
    values_ptr,  # [L, H, slots, D]
    path_ptr,  # [P]
    count_ptr,  # [1]
    start_ptr,  # [1]
    heads,
    size,
    stride_kl,
    stride_kh,
    stride_ks,
    stride_vl,
    stride_vh,
    stride_vs,
    BLOCK_P: tl.constexpr,
    BLOCK_D: tl.constexpr,
):
    """One program per layer and head, of the keys or of the values."""
    layer, head = (tl.program_id(0) // heads).to(tl.int64), (tl.program_id(0) % heads).to(tl.int64)
    is_value = tl.program_id(1) == 1
    count, start = tl.load(count_ptr).to(tl.int32), tl.load(start_ptr).to(tl.int64)
    stride_s = tl.where(is_value, stride_vs, stride_ks)
    if is_value:
        base = values_ptr + layer * stride_vl + head * stride_vh + start * stride_vs
    else:
        base = keys_ptr + layer * stride_kl + head * stride_kh + start * stride_ks
    place, dim = tl.arange(0, BLOCK_P), tl.arange(0, BLOCK_D)
    for first in range(0, count, BLOCK_P):
        to = first + place
        source = tl.load(path_ptr + to, mask=to < count, other=0).to(tl.int32)
        is_moved = ((to < count) & (source != to))[:, None] & (dim < size)[None, :]
        row = tl.load(base + source[:, None] * stride_s + dim[None, :], mask=is_moved)
        tl.debug_barrier()  # no thread may write before all have read
        tl.store(base + to[:, None] * stride_s + dim[None, :], row, mask=is_moved)


@on_its_device
def commit_triton(
    keys: torch.Tensor,
    values: torch.Tensor,
    path: torch.Tensor,
    count: torch.Tensor,
    start: torch.Tensor,
) -> None:
    """One launch over layers, heads, keys and values; moves bits, whatever the dtype."""
    layers, heads, _, size = keys.shape
    assert keys.shape == values.shape and keys.dtype == values.dtype
    assert keys.stride(3) == values.stride(3) == 1 and path.is_contiguous()
    keys, values = (slots.view(_INTEGER[slots.itemsize]) for slots in (keys, values))
    _commit_kernel[(layers * heads, 2)](
        keys, values, path, count, start, heads, size,
        *keys.stride()[:3], *values.stride()[:3],
        BLOCK_P=ROWS, BLOCK_D=triton.next_power_of_2(size), num_warps=4,
    )  # fmt: skip


@torch.library.custom_op("speculoscope::commit", mutates_args=("keys", "values"))
def commit(
    keys: torch.Tensor,
    values: torch.Tensor,
    path: torch.Tensor,
    count: torch.Tensor,
    start: torch.Tensor,
) -> None:
    """Move the kept rows of a round to their places, in all layers, in place.

    Args:
        keys: [L, H, slots, D], with any strides but the last's, which is 1.
        values: as ``keys``.
        path: [P] integers, the round's rows to keep, counted from ``start`` and ascending.
        count: [1] integer on the device: how many of ``path`` count.
        start: [1] integer on the device: the slot of the round's first row.
    """
    move = commit_triton if runs_triton(keys.device) else commit_reference
    move(keys, values, path, count, start)


@commit.register_fake
def _(keys, values, path, count, start):  # noqa: ANN001, ANN202
    return None
