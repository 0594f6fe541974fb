"""tree_attention: every node of a draft tree attends to the prefix and to its ancestors.

    s[i, c]  = scale * query[i] . keys[c]        c < length, or slot length + j, j above i or i
    out[i]   = sum_c softmax(s[i])[c] * values[c]
    share[i] = sum over the tree's slots of softmax(s[i])

The queries of all nodes and of all heads of a group are the rows of one tile, so that a key
is read once for all of them.  The slots are split over programs (flash decoding: Dao et al.,
2023); a second kernel merges the parts by their log-sum-exps.  A mask exists on the tree part
alone, as bits.  Length and number of nodes are read from device memory: one captured graph
serves every round.
"""

from typing import NamedTuple

import torch

from kernels.ancestors import unpack_ancestors
from kernels.attention_shape import AttentionShape
from kernels.device import LaunchError, attention_path, card_of, give_way, on_its_device
from kernels.flex import tree_attention_flex
from kernels.language import IS_INTERPRETED, tl, triton
from kernels.merge import merge_triton
from kernels.running_softmax import attend_block
from kernels.tiles import Tile, num_splits, padded, tile_for

LOG2E = 1.4426950408889634
MIN_KEYS = 256  # a part of fewer costs more to merge than it saves


class Attended(NamedTuple):
    """What the nodes took from the cache."""

    out: torch.Tensor  # [N, H, D]; zeros for the rows behind ``count``
    share: torch.Tensor  # [N, H] fp32: the attention mass that fell on the tree


def tree_attention_reference(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    length: torch.Tensor,
    count: torch.Tensor,
    bits: torch.Tensor,
    scale: float,
) -> Attended:
    """Eager version, in float32 or float64; arguments as for ``kernels.tree_attention``."""
    nodes, heads, size = query.shape
    prefix, seen = int(length), int(count)
    live, end = min(nodes, seen), prefix + seen
    wide = torch.promote_types(query.dtype, torch.float32)
    rows = query[:live].to(wide).view(live, keys.shape[0], -1, size)  # [n, KV, G, D]
    score = torch.einsum("nkgd,ktd->nkgt", rows, keys[:, :end].to(wide)) * scale
    unseen = ~unpack_ancestors(bits, seen)[:live]
    score[..., prefix:].masked_fill_(unseen[:, None, None], -torch.inf)
    prob = score.softmax(-1)
    out, share = query.new_zeros(query.shape), score.new_zeros(nodes, heads)
    attended = torch.einsum("nkgt,ktd->nkgd", prob, values[:, :end].to(wide))
    out[:live] = attended.reshape(live, heads, size).to(query.dtype)
    share[:live] = prob[..., prefix:].sum(-1).view(live, heads)
    return Attended(out, share)


@triton.jit(do_not_specialize=("nodes", "words", "least"))  # a trial's is every tree's
def _tree_attention_kernel(
    query_ptr,  # [N, H, D]
    keys_ptr,  # [KV, slots, D]
    values_ptr,  # [KV, slots, D]
    length_ptr,  # [1]
    count_ptr,  # [1]
    bits_ptr,  # [N, words], contiguous: a row for a query, a bit for a node
    part_ptr,  # [splits, N, H, D] fp32, contiguous: the mean of the values of each part
    lse_ptr,  # [splits, N, H] its log2-sum-exp2
    share_ptr,  # [splits, N, H] its mass on the tree
    scale,  # with log2(e) in it
    nodes,
    words,
    stride_qn,
    stride_qh,
    stride_kh,
    stride_ks,
    stride_vh,
    stride_vs,
    least,  # slots of a part: a number, so that what is tried on few slots is what runs
    GROUP: tl.constexpr,
    HEAD_SIZE: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_D: tl.constexpr,
    DOT: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """One program per block of rows, key head and part; row blocks run side by side in L2."""
    head, split, splits = tl.program_id(1), tl.program_id(2), tl.num_programs(2)
    length, count = tl.load(length_ptr).to(tl.int32), tl.load(count_ptr).to(tl.int32)
    first_row, last_node = tl.program_id(0) * BLOCK_M, tl.minimum(nodes, count)
    if first_row // GROUP >= last_node:
        return
    row, dim = first_row + tl.arange(0, BLOCK_M), tl.arange(0, BLOCK_D)
    node, live = row // GROUP, row // GROUP < last_node
    heads = tl.num_programs(1) * GROUP
    place = (split * nodes + node) * heads + head * GROUP + row % GROUP
    end = length + count
    blocks = tl.cdiv(length, BLOCK_N) + tl.cdiv(count, BLOCK_N)
    active = tl.minimum(splits, tl.cdiv(end, least))
    each = tl.cdiv(blocks, active)
    first, last = split * each, tl.minimum(split * each + each, blocks)
    if first >= last:
        tl.store(lse_ptr + place, float("-inf"), mask=live)
        return
    query_at = node * stride_qn + (head * GROUP + row % GROUP) * stride_qh
    is_query = live[:, None] & (dim < HEAD_SIZE)[None, :]
    query = tl.load(query_ptr + query_at[:, None] + dim[None, :], mask=is_query, other=0.0).to(DOT)
    key_base = keys_ptr + head.to(tl.int64) * stride_kh
    value_base = values_ptr + head.to(tl.int64) * stride_vh
    bits_row = bits_ptr + node * words
    out = tl.zeros([BLOCK_M, BLOCK_D], tl.float32)
    top = tl.full([BLOCK_M], float("-inf"), tl.float32)
    total, share = tl.zeros([BLOCK_M], tl.float32), tl.zeros([BLOCK_M], tl.float32)
    for block in range(first, last):
        out, top, total, share = attend_block(
            query, out, top, total, share, key_base, value_base, bits_row, stride_ks, stride_vs,
            block, length, end, scale, live, HEAD_SIZE, BLOCK_N, BLOCK_D, DOT, PRECISION,
        )  # fmt: skip
    some = total != 0  # a part may hold only nodes that a row does not see; NaN is no such part
    divisor = tl.where(some, total, 1.0)
    lse = tl.where(some, top + tl.log2(divisor), float("-inf"))
    tl.store(lse_ptr + place, lse, mask=live)
    tl.store(share_ptr + place, share / divisor, mask=live)
    part_at = part_ptr + place.to(tl.int64)[:, None] * HEAD_SIZE + dim[None, :]
    tl.store(part_at, out / divisor[:, None], mask=is_query)


@on_its_device
def tree_attention_triton(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    length: torch.Tensor,
    count: torch.Tensor,
    bits: torch.Tensor,
    scale: float,
    tile: Tile,
    splits: int,
    least: int = MIN_KEYS,
) -> Attended:
    """Two launches: parts of at least ``least`` slots, then their merge.

    ``tile`` and ``splits`` come from ``kernels.tiles``, other arguments as for the reference.
    """
    nodes, heads, size = query.shape
    kv_heads = keys.shape[0]
    assert heads % kv_heads == 0 and values.shape == keys.shape and keys.shape[2] == size
    assert query.stride(2) == keys.stride(2) == values.stride(2) == 1
    assert bits.shape[0] == nodes and bits.is_contiguous()
    assert bits.dtype == torch.int32 and length.numel() == count.numel() == 1
    group = heads // kv_heads
    part = query.new_empty(splits, nodes, heads, size, dtype=torch.float32)
    lse, part_share = (part.new_empty(splits, nodes, heads) for _ in range(2))
    dtypes = {torch.float16: tl.float16, torch.bfloat16: tl.bfloat16, torch.float32: tl.float32}
    dot = tl.float32 if IS_INTERPRETED else dtypes[query.dtype]  # no bf16 product on a CPU
    _tree_attention_kernel[(triton.cdiv(nodes * group, tile.rows), kv_heads, splits)](
        query, keys, values, length, count, bits, part, lse, part_share,
        scale * LOG2E, nodes, bits.shape[1],
        query.stride(0), query.stride(1), keys.stride(0), keys.stride(1),
        values.stride(0), values.stride(1), least,
        GROUP=group, HEAD_SIZE=size, BLOCK_M=tile.rows, BLOCK_N=tile.keys, BLOCK_D=padded(size),
        DOT=dot, PRECISION="ieee", num_warps=tile.warps, num_stages=tile.stages,
    )  # fmt: skip
    return Attended(*merge_triton(part, lse, part_share, count, query.dtype))


@torch.library.custom_op("speculoscope::tree_attention", mutates_args=())
def _tree_attention(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    length: torch.Tensor,
    count: torch.Tensor,
    bits: torch.Tensor,
    scale: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    nodes, heads, size = query.shape
    kv_heads, capacity = keys.shape[:2]
    shape = AttentionShape(query.device, query.dtype, size, heads // kv_heads, nodes, kv_heads)
    path, _ = attention_path(shape)
    if path == "flex":
        return tree_attention_flex(query, keys, values, length, count, bits, scale)
    rows, card = nodes * heads // kv_heads, card_of(query.device)
    tile = tile_for(query.dtype, size, rows, card.major, card.shared) if path == "triton" else None
    if tile is None:
        return tree_attention_reference(query, keys, values, length, count, bits, scale)
    programs = (rows + tile.rows - 1) // tile.rows * kv_heads
    splits = num_splits(programs, capacity, card.processors)
    told = (query, keys, values, length, count, bits, scale)
    try:
        return tree_attention_triton(*told, tile, splits)
    except LaunchError as error:  # it was right in its trial; nothing has run
        give_way(error)
        return _tree_attention(*told)


@_tree_attention.register_fake
def _(query, keys, values, length, count, bits, scale):  # noqa: ANN001, ANN202
    return query.new_empty(query.shape), query.new_empty(query.shape[:2], dtype=torch.float32)


def tree_attention(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    length: torch.Tensor,
    count: torch.Tensor,
    bits: torch.Tensor,
    scale: float,
) -> Attended:
    """Attend from nodes of a tree; by Triton, flex_attention or torch, see ``choose``.

    Args:
        query: [N, H, D] of all nodes or of some; where there are more rows than ``count``, those
            behind it pad the tree to a captured size.
        keys: [KV, slots, D] of one layer; the nodes' own stand in slots ``length`` to
            ``length + count``, what is behind them is not read.
        values: as ``keys``.
        length: [1] integer on the device: slots of the prefix.
        count: [1] integer on the device: nodes that there are.
        bits: [N, W] int32 from ``pack_ancestors``, with 32 W at least ``count``.
        scale: of the scores, 1 / sqrt(D) as a rule.
    """
    return Attended(*_tree_attention(query, keys, values, length, count, bits, scale))
