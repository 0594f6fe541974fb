"""gated: the gate of a feed-forward block and what it lets through, from one product.

    y = g / (1 + exp(-g)) * u                      g, u the halves of a row; rounded once

(SwiGLU, Shazeer 2020, arXiv 2002.05202, eq. 6, behind its products).  A program takes a part of a
row.  As torch's own operations it is two kernels, and the gate is rounded between them.
"""

import torch
import torch.nn.functional as F

from kernels.device import on_its_device, runs_triton
from kernels.language import tl, triton

BLOCK = 1024  # entries to a program


def gated_reference(gate_up: torch.Tensor) -> torch.Tensor:
    """Eager version; arguments as for ``gated``."""
    gate, up = gate_up.chunk(2, -1)
    return F.silu(gate) * up


@triton.jit
def _gated_kernel(
    gate_up_ptr,  # [N, 2 * size]
    out_ptr,  # [N, size]
    size,
    stride_n,
    WIDE: tl.constexpr,
    BLOCK_I: tl.constexpr,
):
    """One program per row and ``BLOCK_I`` of its entries."""
    row = tl.program_id(0).to(tl.int64)
    place = tl.program_id(1) * BLOCK_I + tl.arange(0, BLOCK_I)
    is_there = place < size
    read = gate_up_ptr + row * stride_n + place
    gate = tl.load(read, mask=is_there, other=0).to(WIDE)
    up = tl.load(read + size, mask=is_there, other=0).to(WIDE)
    small = tl.exp(-tl.abs(gate))  # overflows nowhere
    opened = gate * tl.where(gate < 0, small, 1) / (1 + small) * up
    tl.store(out_ptr + row * size + place, opened.to(out_ptr.dtype.element_ty), mask=is_there)


@on_its_device
def gated_triton(gate_up: torch.Tensor) -> torch.Tensor:
    """One launch for all rows."""
    size = gate_up.shape[-1] // 2
    rows = gate_up.reshape(-1, 2 * size)  # a view as a rule
    assert rows.shape[1] == gate_up.shape[-1] and rows.stride(1) == 1
    out = gate_up.new_empty(*gate_up.shape[:-1], size)
    _gated_kernel[(len(rows), triton.cdiv(size, BLOCK))](
        rows, out, size, rows.stride(0),
        WIDE=tl.float64 if gate_up.dtype == torch.float64 else tl.float32,
        BLOCK_I=BLOCK, num_warps=4,
    )  # fmt: skip
    return out


@torch.library.custom_op("speculoscope::gated", mutates_args=())
def gated(gate_up: torch.Tensor) -> torch.Tensor:
    """[..., I] what passes the gate.

    Args:
        gate_up: [..., 2 * I], a row's gate before what it gates, the last dimension's stride 1.
    """
    return (gated_triton if runs_triton(gate_up.device) else gated_reference)(gate_up)


@gated.register_fake
def _(gate_up):  # noqa: ANN001, ANN202
    return gate_up.new_empty(*gate_up.shape[:-1], gate_up.shape[-1] // 2)
