"""add_norm: a residual stream with what a block says added, and the norm of that.

    s = x + a                                      rounded, as the stream is kept
    y = s / sqrt(mean(s^2) + eps) * w              rounded once

(root-mean-square norm, Zhang and Sennrich 2019, arXiv 1910.07467, eq. 4).  A program takes a row
and holds it in registers.  As torch's own operations it is two kernels, and the sum is read again.
"""

import torch
import torch.nn.functional as F

from kernels.device import on_its_device, runs_triton
from kernels.language import tl, triton

WIDEST = 16_384  # entries of a row: 64 to a thread


def add_norm_reference(
    residual: torch.Tensor, added: torch.Tensor, weight: torch.Tensor, eps: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Eager version; arguments as for ``add_norm``."""
    total = (residual + added).contiguous()
    return total, F.rms_norm(total, weight.shape, weight, eps)


@triton.jit
def _add_norm_kernel(
    residual_ptr,  # [N, H]
    added_ptr,  # [N, H]
    weight_ptr,  # [H]
    total_ptr,  # [N, H]
    normed_ptr,  # [N, H]
    eps,
    size,
    stride_r,
    stride_a,
    WIDE: tl.constexpr,
    BLOCK_H: tl.constexpr,
):
    """One program per row."""
    row = tl.program_id(0).to(tl.int64)
    place = tl.arange(0, BLOCK_H)
    is_there = place < size
    residual = tl.load(residual_ptr + row * stride_r + place, mask=is_there, other=0).to(WIDE)
    added = tl.load(added_ptr + row * stride_a + place, mask=is_there, other=0).to(WIDE)
    total = (residual + added).to(total_ptr.dtype.element_ty)
    tl.store(total_ptr + row * size + place, total, mask=is_there)
    wide = total.to(WIDE)
    scale = 1 / tl.sqrt(tl.sum(wide * wide, 0) / size + eps)
    weight = tl.load(weight_ptr + place, mask=is_there, other=0).to(WIDE)
    normed = (wide * scale * weight).to(normed_ptr.dtype.element_ty)
    tl.store(normed_ptr + row * size + place, normed, mask=is_there)


@on_its_device
def add_norm_triton(
    residual: torch.Tensor, added: torch.Tensor, weight: torch.Tensor, eps: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """One launch for all rows."""
    size = residual.shape[-1]
    assert residual.shape == added.shape and weight.shape == (size,) and size <= WIDEST
    rows, more = (each.reshape(-1, size) for each in (residual, added))  # views as a rule
    assert rows.stride(1) == more.stride(1) == 1 and weight.is_contiguous()
    total, normed = (residual.new_empty(residual.shape) for _ in range(2))
    _add_norm_kernel[(len(rows),)](
        rows, more, weight, total, normed,
        eps, size, rows.stride(0), more.stride(0),
        WIDE=tl.float64 if residual.dtype == torch.float64 else tl.float32,
        BLOCK_H=triton.next_power_of_2(size), num_warps=8,
    )  # fmt: skip
    return total, normed


@torch.library.custom_op("speculoscope::add_norm", mutates_args=())
def add_norm(
    residual: torch.Tensor, added: torch.Tensor, weight: torch.Tensor, eps: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """The sum and its norm, of the shape of ``residual`` each.

    Args:
        residual: [..., H], the last dimension's stride 1.
        added: likewise.
        weight: [H] of the norm.
        eps: of the norm.
    """
    is_narrow = residual.shape[-1] <= WIDEST
    add = add_norm_triton if is_narrow and runs_triton(residual.device) else add_norm_reference
    return add(residual, added, weight, eps)


@add_norm.register_fake
def _(residual, added, weight, eps):  # noqa: ANN001, ANN202
    return residual.new_empty(residual.shape), residual.new_empty(residual.shape)
