"""rotary_write: queries and keys rotated by their positions, keys and values put in their slots.

    x'[:D/2] = x[:D/2] cos - x[D/2:] sin
    x'[D/2:] = x[D/2:] cos + x[:D/2] sin           x a head of a query or a key

(RoFormer, Su et al. 2021, arXiv 2104.09864, eq. 34, in the layout of GPT-NeoX: an entry is paired
with the one half a head away), after each head's root-mean-square norm where the model has one
(Qwen3).  A program takes a few heads of one row.  As torch's own operations it is a dozen kernels
a layer, each longer in its launch than in its work.
"""

import torch

from kernels.device import on_its_device, runs_triton
from kernels.language import tl, triton

HEADS = 8  # of a row, to a program


def rotary_write_reference(
    heads: torch.Tensor,
    cos: torch.Tensor,
    sin: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    rows: torch.Tensor,
    norms: torch.Tensor | None = None,
    eps: float = 0.0,
) -> torch.Tensor:
    """Eager version; arguments as for ``rotary_write``.  Rounds once, and can be captured."""
    kv_heads, half = keys.shape[0], heads.shape[2] // 2
    turned, new = heads.split((heads.shape[1] - kv_heads, kv_heads), 1)
    queries = turned.shape[1] - kv_heads
    wide = turned.to(torch.promote_types(heads.dtype, torch.float32))
    if norms is not None:
        weight = torch.cat((norms[:1].expand(queries, -1), norms[1:].expand(kv_heads, -1)))
        wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps) * weight
    (left, right), cos, sin = wide.chunk(2, -1), cos[:, None, :half], sin[:, None, :half]
    turned = torch.cat((left * cos - right * sin, right * cos + left * sin), -1).to(heads.dtype)
    keys.index_copy_(1, rows, turned[:, queries:].transpose(0, 1))
    values.index_copy_(1, rows, new.transpose(0, 1))
    return turned[:, :queries].contiguous()


@triton.jit
def _rotary_write_kernel(
    heads_ptr,  # [N, queries + 2 * kv_heads, 2 * half]
    cos_ptr,  # [N, at least half]
    sin_ptr,  # [N, at least half]
    keys_ptr,  # [kv_heads, slots, 2 * half]
    values_ptr,  # [kv_heads, slots, 2 * half]
    rows_ptr,  # [N]
    norms_ptr,  # [2, 2 * half]
    out_ptr,  # [N, queries, 2 * half]
    eps,
    queries,
    kv_heads,
    half,
    stride_n,
    stride_h,
    stride_cn,
    stride_sn,
    stride_kh,
    stride_ks,
    stride_vh,
    stride_vs,
    HAS_NORMS: tl.constexpr,
    WIDE: tl.constexpr,
    BLOCK_H: tl.constexpr,
    BLOCK_D: tl.constexpr,
):
    """One program per row and ``BLOCK_H`` of its heads."""
    node = tl.program_id(0).to(tl.int64)
    head = tl.program_id(1) * BLOCK_H + tl.arange(0, BLOCK_H)[:, None]
    dim = tl.arange(0, BLOCK_D)[None, :]
    is_there = (head < queries + 2 * kv_heads) & (dim < half)
    read = heads_ptr + node * stride_n + head * stride_h + dim
    left = tl.load(read, mask=is_there, other=0).to(WIDE)
    right = tl.load(read + half, mask=is_there, other=0).to(WIDE)
    is_turned = head < queries + kv_heads
    to_left, to_right = left, right
    if HAS_NORMS:
        weight = norms_ptr + tl.where(head < queries, 0, 2 * half) + dim
        mean = (tl.sum(left * left, 1) + tl.sum(right * right, 1)) / (2 * half)
        scale = (1 / tl.sqrt(mean + eps))[:, None]
        to_left = left * scale * tl.load(weight, mask=dim < half, other=0).to(WIDE)
        to_right = right * scale * tl.load(weight + half, mask=dim < half, other=0).to(WIDE)
    cos = tl.load(cos_ptr + node * stride_cn + dim, mask=dim < half, other=0).to(WIDE)
    sin = tl.load(sin_ptr + node * stride_sn + dim, mask=dim < half, other=0).to(WIDE)
    new_left = tl.where(is_turned, to_left * cos - to_right * sin, left)
    new_right = tl.where(is_turned, to_right * cos + to_left * sin, right)

    row = tl.load(rows_ptr + node).to(tl.int64)
    key, value = head - queries, head - queries - kv_heads
    query_to = out_ptr + (node * queries + head) * 2 * half + dim
    key_to = keys_ptr + key.to(tl.int64) * stride_kh + row * stride_ks + dim
    value_to = values_ptr + value.to(tl.int64) * stride_vh + row * stride_vs + dim
    is_query, is_key = is_there & (head < queries), is_there & (key >= 0) & is_turned
    is_value = is_there & (value >= 0)
    tl.store(query_to, new_left.to(out_ptr.dtype.element_ty), mask=is_query)
    tl.store(query_to + half, new_right.to(out_ptr.dtype.element_ty), mask=is_query)
    tl.store(key_to, new_left.to(keys_ptr.dtype.element_ty), mask=is_key)
    tl.store(key_to + half, new_right.to(keys_ptr.dtype.element_ty), mask=is_key)
    tl.store(value_to, new_left.to(values_ptr.dtype.element_ty), mask=is_value)
    tl.store(value_to + half, new_right.to(values_ptr.dtype.element_ty), mask=is_value)


@on_its_device
def rotary_write_triton(
    heads: torch.Tensor,
    cos: torch.Tensor,
    sin: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    rows: torch.Tensor,
    norms: torch.Tensor | None = None,
    eps: float = 0.0,
) -> torch.Tensor:
    """One launch for all rows and heads of a layer."""
    count, total, size = heads.shape
    kv_heads = keys.shape[0]
    queries = total - 2 * kv_heads
    last = (heads, cos, sin, keys, values, rows)
    assert all(tensor.stride(-1) == 1 for tensor in last) and keys.shape == values.shape
    assert norms is None or (norms.shape == (2, size) and norms.is_contiguous())
    out = heads.new_empty(count, queries, size)
    _rotary_write_kernel[(count, triton.cdiv(total, HEADS))](
        heads, cos, sin, keys, values, rows, heads if norms is None else norms, out,
        eps, queries, kv_heads, size // 2,
        *heads.stride()[:2], cos.stride(0), sin.stride(0),
        *keys.stride()[:2], *values.stride()[:2],
        HAS_NORMS=norms is not None, BLOCK_H=HEADS,
        WIDE=tl.float64 if heads.dtype == torch.float64 else tl.float32,
        BLOCK_D=triton.next_power_of_2(size // 2), num_warps=4,
    )  # fmt: skip
    return out


@torch.library.custom_op("speculoscope::rotary_write", mutates_args=("keys", "values"))
def rotary_write(
    heads: torch.Tensor,
    cos: torch.Tensor,
    sin: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    rows: torch.Tensor,
    norms: torch.Tensor | None = None,
    eps: float = 0.0,
) -> torch.Tensor:
    """Rotated queries [N, Hq, D]; the rows' keys and values go to their slots, in place.

    Args:
        heads: [N, Hq + 2 * Hkv, D], a row's queries, keys and values as one product gives them.
        cos: [N, D] cosines of the rows' angles, both halves the same.
        sin: [N, D] sines.
        keys: [Hkv, slots, D], with any strides but the last's, which is 1.
        values: as ``keys``.
        rows: [N] int64 on the device, the rows' slots, no two the same.
        norms: [2, D] weights of the norms of query and of key heads; ``None`` where there are
            none.
        eps: of the norms.
    """
    write = rotary_write_triton if runs_triton(keys.device) else rotary_write_reference
    return write(heads, cos, sin, keys, values, rows, norms, eps)


@rotary_write.register_fake
def _(heads, cos, sin, keys, values, rows, norms=None, eps=0.0):  # noqa: ANN001, ANN202
    return heads.new_empty(heads.shape[0], heads.shape[1] - 2 * keys.shape[0], heads.shape[2])
