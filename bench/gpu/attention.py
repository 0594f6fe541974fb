"""The attention of a tree, against the ways that need no kernel of one's own."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

import torch
from torch.nn.functional import scaled_dot_product_attention

from bench.gpu.clock import time_on
from bench.gpu.lines import Ceilings, Line
from bench.gpu.scale import Model, Scale
from bench.gpu.trees import Slots, random_slots
from bench.report import Spread
from kernels.flex import tree_attention_flex
from kernels.tree_attention import tree_attention

_FLASH = torch.ops.aten._scaled_dot_product_flash_attention
_FLASH_FOR_CPU = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu  # to rehearse

OWN = "tree_attention"
OTHERS_AT = (16, 64)  # nodes at which the others are measured too: they take long to compile


def time_attention(scale: Scale, ceilings: Ceilings) -> Iterator[Line]:
    """One layer of the largest model at every context and number of nodes.

    The kernel's own lines first, the longest context before the others: what it is compared
    with takes long to compile, and time may run out.
    """
    lengths = sorted(scale.contexts, reverse=True)
    others_at = [nodes for nodes in scale.nodes if nodes in OTHERS_AT]
    for is_own, counts in ((True, scale.nodes), (False, others_at)):
        for length, nodes in product(lengths, counts):
            yield from _lines(scale, nodes, length, is_own, ceilings)


def _lines(
    scale: Scale, nodes: int, length: int, is_own: bool, ceilings: Ceilings
) -> Iterator[Line]:
    """The kernel's line for one size, or those of the other ways."""
    slots = random_slots(scale, scale.models[0], nodes, length)
    bound = least_time(scale.models[0], nodes, length, ceilings)
    for name, way in ways(slots).items():
        if (name == OWN) == is_own:
            timed = partial(time_on, scale.device, way, max(16, len(slots.keys)))
            yield _attempt(f"{name}, {nodes} nodes behind {length}", timed, bound)


def least_time(model: Model, nodes: int, length: int, ceilings: Ceilings) -> float:
    """Keys and values read once, queries read and written; two products of every pair."""
    bytes_moved = model.slot_bytes * (length + nodes) + 4 * nodes * model.heads * model.head_size
    flops = 4 * nodes * model.heads * model.head_size * (length + nodes)
    return ceilings.microseconds(bytes_moved, flops)


def ways(slots: Slots) -> dict[str, Callable[[int], object]]:
    """What is compared, each a call for a layer."""
    return {
        OWN: lambda layer: tree_attention(*slots.arguments(layer)),
        "SDPA with a mask": lambda layer: _masked_sdpa(slots, layer),
        "flex_attention": lambda layer: tree_attention_flex(*slots.arguments(layer)),
        "cascade of stock kernels": lambda layer: _cascade(slots, layer),
    }


def _attempt(label: str, timed: Callable[[], Spread], bound: float) -> Line:
    """A way that fails is a line too."""
    try:
        return Line.timed(label, timed(), bound)
    except Exception as error:  # a compiler's or a library's: any type
        return Line(label, note=f"failed: {str(error)[:120]}")


def _masked_sdpa(slots: Slots, layer: int) -> torch.Tensor:
    """As transformers does it: keys and values repeated for each head, a mask over all slots."""
    query, keys, values, *_ = slots.arguments(layer)
    nodes, group = query.shape[0], query.shape[1] // keys.shape[0]
    end = keys.shape[1] - 64
    mask = torch.ones(nodes, end, dtype=torch.bool, device=query.device)
    mask[:, end - nodes :] = slots.seen
    wide = [store[:, :end].repeat_interleave(group, 0)[None] for store in (keys, values)]
    rows = query.transpose(0, 1)[None]
    return scaled_dot_product_attention(rows, *wide, attn_mask=mask, scale=slots.scale)


def _cascade(slots: Slots, layer: int) -> torch.Tensor:
    """The prefix by the stock flash kernel, groups as rows; the tree by torch; both merged."""
    query, keys, values, *_ = slots.arguments(layer)
    nodes, heads, size = query.shape
    kv_heads, end = keys.shape[0], keys.shape[1] - 64
    rows = query.view(nodes, kv_heads, -1, size).transpose(0, 1).flatten(1, 2)  # [KV, n G, D]
    prefix = [store[None, :, : end - nodes] for store in (keys, values)]
    flash = _FLASH if rows.is_cuda else _FLASH_FOR_CPU
    out, lse, *_ = flash(rows[None].contiguous(), *prefix, scale=slots.scale)
    own_keys, own_values = (store[:, end - nodes : end] for store in (keys, values))
    score = (rows @ own_keys.transpose(1, 2)).float() * slots.scale
    unseen = ~slots.seen.repeat_interleave(heads // kv_heads, 0)
    score = score.masked_fill(unseen, -torch.inf)
    own_lse = score.logsumexp(-1)
    own = (score - own_lse[..., None]).exp().to(query.dtype) @ own_values
    weight = torch.sigmoid(lse[0].float() - own_lse)[..., None]
    return weight * out[0] + (1 - weight) * own
