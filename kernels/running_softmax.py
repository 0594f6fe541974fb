"""running_softmax: a block of slots added to an attention that is summed in one pass.

    top' = max(top, max score),  weight = 2^(score - top')
    total' = total * 2^(top - top') + sum weight,  out' = out * 2^(top - top') + weight @ values

The online softmax of Milakov & Gimelshein, 2018, as FlashAttention (Dao et al., 2022) uses it;
``share`` is ``total`` over the slots of the tree alone.  A block is of the prefix or of the
tree, never of both: the tree's blocks begin at its root, so that their mask is whole words.
"""

from kernels.language import tl, triton


@triton.jit
def attend_block(
    query,  # [BLOCK_M, BLOCK_D]
    out,  # [BLOCK_M, BLOCK_D] fp32, not yet divided by ``total``
    top,  # [BLOCK_M] largest score so far
    total,  # [BLOCK_M] sum of 2^(score - top)
    share,  # [BLOCK_M] the same over the tree's slots
    keys_ptr,  # this head's first slot
    values_ptr,
    bits_ptr,  # [BLOCK_M] the rows' first words
    stride_ks,
    stride_vs,
    block,
    length,
    end,
    scale,
    live,  # [BLOCK_M]
    HEAD_SIZE: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_D: tl.constexpr,
    DOT: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """Add block ``block``: the prefix's come first, then the tree's."""
    before = tl.cdiv(length, BLOCK_N)
    is_tree = block >= before
    node = tl.where(is_tree, (block - before) * BLOCK_N, 0)
    start = tl.where(is_tree, length + node, block * BLOCK_N)
    limit = tl.where(is_tree, end, length)
    column, dim = tl.arange(0, BLOCK_N), tl.arange(0, BLOCK_D)
    inside = start + column < limit  # what is behind the tree may hold NaN
    key_at = keys_ptr + start.to(tl.int64) * stride_ks
    value_at = values_ptr + start.to(tl.int64) * stride_vs
    key = tl.load(
        key_at + column[None, :] * stride_ks + dim[:, None],
        mask=inside[None, :] & (dim < HEAD_SIZE)[:, None],
        other=0.0,
    )
    score = tl.dot(query, key.to(DOT), input_precision=PRECISION) * scale
    if start + BLOCK_N > limit:
        score = tl.where(inside[None, :], score, float("-inf"))
    if is_tree:
        word = tl.load(bits_ptr + node // 32, mask=live, other=0)[:, None]
        if BLOCK_N == 64:
            has_next = live & (node + 32 < end - length)
            later = tl.load(bits_ptr + node // 32 + 1, mask=has_next, other=0)[:, None]
            word = tl.where((column < 32)[None, :], word, later)
        is_above = (word >> (node + column)[None, :] % 32) & 1
        score = tl.where(is_above != 0, score, float("-inf"))
    higher = tl.maximum(top, tl.max(score, 1))
    base = tl.where(higher == float("-inf"), 0.0, higher)  # rows that have seen nothing yet
    weight = tl.exp2(score - base[:, None])
    shrink = tl.exp2(top - base)
    mass = tl.sum(weight, 1)
    total = total * shrink + mass
    share = share * shrink + mass * is_tree.to(tl.float32)
    value = tl.load(
        value_at + column[:, None] * stride_vs + dim[None, :],
        mask=inside[:, None] & (dim < HEAD_SIZE)[None, :],
        other=0.0,
    )
    out = out * shrink[:, None]
    out = tl.dot(weight.to(DOT), value.to(DOT), out, input_precision=PRECISION)
    return out, higher, total, share
