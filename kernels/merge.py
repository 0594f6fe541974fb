"""merge: one softmax from parts that were each divided by their own sum.

    weight[s] = 2^lse[s] / sum over s of 2^lse[s]
    out = sum over s of weight[s] * part[s],    share = sum over s of weight[s] * share[s]

The log-sum-exps are to base 2.  A part of -inf has seen nothing and is not read; rows without
any part, and rows of no node, are zero.
"""

import torch

from kernels.device import on_its_device
from kernels.language import IS_INTERPRETED, tl, triton
from kernels.tiles import MAX_SPLITS, padded

ROWS = 64 if IS_INTERPRETED else 4  # of a program: an interpreter's time goes by their number
STEP = 8  # parts that are on their way at a time


def merge_reference(
    part: torch.Tensor,
    lse: torch.Tensor,
    share: torch.Tensor,
    count: torch.Tensor,
    dtype: torch.dtype,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Eager version: ``part`` [S, N, H, D], ``lse`` and ``share`` [S, N, H], ``count`` [1]."""
    live = torch.arange(part.shape[1], device=part.device) < count
    some = live[:, None] & (lse > -torch.inf)  # [S, N, H]
    top = torch.where(some, lse, -torch.inf).amax(0)
    weight = torch.where(some, torch.exp2(lse - top.nan_to_num(neginf=0.0)), 0.0)
    weight = weight / weight.sum(0).clamp_min(1.0)  # the largest weight is 1
    out = torch.where(some[..., None], weight[..., None] * part, 0.0).sum(0)
    return out.to(dtype), torch.where(some, weight * share, 0.0).sum(0)


@triton.jit(do_not_specialize=("rows", "heads", "splits"))
def _merge_kernel(
    part_ptr,  # [splits, rows, D] fp32
    lse_ptr,  # [splits, rows]
    share_ptr,  # [splits, rows]
    count_ptr,  # [1]
    out_ptr,  # [rows, D]
    out_share_ptr,  # [rows] fp32
    rows,
    heads,
    splits,
    HEAD_SIZE: tl.constexpr,
    BLOCK_R: tl.constexpr,
    BLOCK_S: tl.constexpr,
    BLOCK_D: tl.constexpr,
    STEP: tl.constexpr,
):
    """Weigh the parts of BLOCK_R rows by 2^lse; rows of no node become zero."""
    row = tl.program_id(0) * BLOCK_R + tl.arange(0, BLOCK_R)
    dim, part = tl.arange(0, BLOCK_D), tl.arange(0, BLOCK_S)
    live = row < tl.minimum(rows, tl.load(count_ptr).to(tl.int32) * heads)
    at = part[None, :] * rows + row[:, None]  # [BLOCK_R, BLOCK_S]
    is_part = live[:, None] & (part < splits)[None, :]
    lse = tl.load(lse_ptr + at, mask=is_part, other=float("-inf"))
    top = tl.max(lse, 1)
    base = tl.where(top == float("-inf"), 0.0, top)
    weight = tl.exp2(lse - base[:, None])
    total = tl.sum(weight, 1)
    divisor = tl.where(total > 0, total, 1.0)
    share = tl.load(share_ptr + at, mask=lse > float("-inf"), other=0.0)
    tl.store(out_share_ptr + row, tl.sum(weight * share, 1) / divisor, mask=row < rows)
    sums = tl.zeros([BLOCK_R, STEP, BLOCK_D], tl.float32)
    for first in range(0, splits, STEP):
        split = first + tl.arange(0, STEP)
        place = split[None, :] * rows + row[:, None]  # [BLOCK_R, STEP]
        is_there = live[:, None] & (split < splits)[None, :]
        each = tl.load(lse_ptr + place, mask=is_there, other=float("-inf"))
        is_some = (each > float("-inf"))[:, :, None] & (dim < HEAD_SIZE)[None, None, :]
        mean_at = part_ptr + place.to(tl.int64)[:, :, None] * HEAD_SIZE + dim[None, None, :]
        mean = tl.load(mean_at, mask=is_some, other=0.0)
        sums += mean * tl.exp2(each - base[:, None])[:, :, None]
    out = tl.sum(sums, 1) / divisor[:, None]
    is_out = (row < rows)[:, None] & (dim < HEAD_SIZE)[None, :]
    out_at = out_ptr + row.to(tl.int64)[:, None] * HEAD_SIZE + dim[None, :]
    tl.store(out_at, out.to(out_ptr.dtype.element_ty), mask=is_out)


@on_its_device
def merge_triton(
    part: torch.Tensor,
    lse: torch.Tensor,
    share: torch.Tensor,
    count: torch.Tensor,
    dtype: torch.dtype,
    rows_each: int = ROWS,
) -> tuple[torch.Tensor, torch.Tensor]:
    """One launch: reads every part that has seen something once."""
    splits, nodes, heads, size = part.shape
    assert part.is_contiguous() and lse.is_contiguous() and share.is_contiguous()
    out, out_share = part.new_empty(nodes, heads, size, dtype=dtype), part.new_empty(nodes, heads)
    rows = nodes * heads
    _merge_kernel[(triton.cdiv(rows, rows_each),)](
        part, lse, share, count, out, out_share, rows, heads, splits,
        HEAD_SIZE=size, BLOCK_R=rows_each, BLOCK_D=padded(size), STEP=STEP,
        BLOCK_S=max(MAX_SPLITS, triton.next_power_of_2(splits)),
    )  # fmt: skip
    return out, out_share
