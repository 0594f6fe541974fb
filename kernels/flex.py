"""tree_attention by ``torch.nn.attention.flex_attention``: where our kernel cannot run.

One compiled graph serves every length and tree, for what changes is tensors: the length, the
count and the bits, read inside the mask.  The blocks to visit are set up once a capacity.
"""

from collections.abc import Callable
from functools import cache

import torch
from torch.nn.attention.flex_attention import AuxRequest, BlockMask, flex_attention

from kernels.ancestors import unpack_ancestors

BLOCK = 128  # keys of a block of the sparse layout


def tree_attention_flex(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    length: torch.Tensor,
    count: torch.Tensor,
    bits: torch.Tensor,
    scale: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """(out [N, H, D], share [N, H]); arguments as for ``kernels.tree_attention``.

    Slots behind the tree are weighed with zero here, not left unread: they must be finite.
    """
    nodes, most = query.shape[0], 32 * bits.shape[1]
    prefix, live = length.view(()), count.view(())

    def sees(batch: object, head: object, row: torch.Tensor, slot: torch.Tensor) -> torch.Tensor:
        node = slot - prefix
        inside = node.clamp(0, most - 1)
        above = (bits[row, inside >> 5] >> (inside & 31)) & 1
        return (node < 0) | ((node < live) & (above != 0))

    mask = _blocks(nodes, keys.shape[1], prefix, prefix + live, sees)
    attend = _compiled() if query.is_cuda else flex_attention
    out, aux = attend(
        query.transpose(0, 1)[None], keys[None], values[None], block_mask=mask, scale=scale,
        enable_gqa=True, return_aux=AuxRequest(lse=True),
    )  # fmt: skip
    is_node = torch.arange(nodes, device=query.device) < live
    out = out[0].transpose(0, 1).masked_fill(~is_node[:, None, None], 0.0)
    share = _share(query, keys, prefix, bits, scale, aux.lse[0].transpose(0, 1))
    return out.contiguous(), share.masked_fill(~is_node[:, None], 0.0)


def _blocks(
    nodes: int, slots: int, prefix: torch.Tensor, end: torch.Tensor, sees: Callable
) -> BlockMask:
    """Whole blocks of the prefix unmasked, then those that touch the tree; the rest unvisited."""
    num = (slots + BLOCK - 1) // BLOCK
    shape = (1, 1, (nodes + BLOCK - 1) // BLOCK)
    index = torch.arange(num, device=prefix.device, dtype=torch.int32)
    whole = (prefix // BLOCK).int()
    touching = ((end + BLOCK - 1) // BLOCK).int() - whole
    return BlockMask.from_kv_blocks(
        touching.expand(shape).contiguous(),
        ((index + whole) % num).expand(*shape, num).contiguous(),
        whole.expand(shape).contiguous(),
        index.expand(*shape, num).contiguous(),
        BLOCK_SIZE=BLOCK,
        mask_mod=sees,
        seq_lengths=(nodes, slots),
        compute_q_blocks=False,
    )


def _share(
    query: torch.Tensor,
    keys: torch.Tensor,
    prefix: torch.Tensor,
    bits: torch.Tensor,
    scale: float,
    lse: torch.Tensor,
) -> torch.Tensor:
    """[N, H] mass on the tree: its few scores once more, under the whole softmax's sum."""
    (nodes, heads, size), most = query.shape, 32 * bits.shape[1]
    slots = (prefix + torch.arange(most, device=query.device)).clamp_max(keys.shape[1] - 1)
    own = keys.index_select(1, slots).float()  # [KV, 32 W, D]
    rows = query.float().view(nodes, keys.shape[0], -1, size)
    score = torch.einsum("nkgd,kjd->nkgj", rows, own).reshape(nodes, heads, most) * scale
    above = unpack_ancestors(bits, most)[:, None, :]
    return torch.where(above, (score - lse[..., None]).exp(), 0.0).sum(-1)


@cache
def _compiled() -> Callable:
    return torch.compile(flex_attention)
