"""candidates: the largest entries of each block of the vocabulary, on the judged path.

For each node of the path, block, and source (the logits, p, q, the residual): the ``top``
largest values and their tokens, in falling order, the lower token first among equals; and the
log-sum-exp of the block's logits.  What is largest of all is among them.
"""

import torch

from kernels.device import on_its_device
from kernels.language import tl, triton
from kernels.residual import judged_at, residual_block

SOURCES = 4  # logits, p, q, residual
BLOCK, WARPS = 4096, 16


@triton.jit
def largest(values, labels, TOP: tl.constexpr, BLOCK_T: tl.constexpr):
    """[BLOCK_T] the TOP largest of ``values`` and their labels, in falling order; else -inf, -1."""
    place, slot = tl.arange(0, values.shape[0]), tl.arange(0, BLOCK_T)
    best = tl.full([BLOCK_T], float("-inf"), tl.float32)
    named = tl.full([BLOCK_T], -1, tl.int32)
    for rank in range(TOP):
        most = tl.max(values)
        at = tl.min(tl.where(values == most, place, values.shape[0]))
        label = tl.max(tl.where(place == at, labels, -1))
        is_some = slot == tl.where(most > float("-inf"), rank, -1)
        best, named = tl.where(is_some, most, best), tl.where(is_some, label, named)
        values = tl.where(place == at, float("-inf"), values)
    return best, named


@triton.jit(do_not_specialize=("nodes",))
def _candidates_kernel(
    tokens_ptr, draft_ptr, target_ptr, links_ptr, masses_ptr, path_ptr, count_ptr, extra_ptr,
    logits_ptr,  # [N, vocab]
    values_ptr,  # [rows, 4, blocks, BLOCK_T] fp32
    labels_ptr,  # [rows, 4, blocks, BLOCK_T] int32
    sums_ptr,  # [rows, blocks] fp32: log-sum-exp of the logits
    nodes,
    vocab,
    HAS_LAWS: tl.constexpr,
    BLOCK_V: tl.constexpr,
    TOP: tl.constexpr,
    BLOCK_T: tl.constexpr,
):  # fmt: skip
    """The largest entries of one block of the vocabulary at one node of the path."""
    row, block, blocks = tl.program_id(0), tl.program_id(1), tl.num_programs(1)
    count = tl.load(count_ptr).to(tl.int32)
    if row >= count:
        return
    node, first, stop = judged_at(path_ptr, count, extra_ptr, links_ptr, nodes, row)
    word = block * BLOCK_V + tl.arange(0, BLOCK_V)
    is_word = word < vocab
    p, q, r = residual_block(
        word, node, first, stop, tokens_ptr, draft_ptr, target_ptr, links_ptr, masses_ptr,
        nodes, vocab, HAS_LAWS,
    )  # fmt: skip
    none = float("-inf")
    logit = tl.load(logits_ptr + node.to(tl.int64) * vocab + word, mask=is_word, other=none)
    logit = logit.to(tl.float32)
    most = tl.max(logit)
    base = tl.where(most == none, 0.0, most)
    tl.store(sums_ptr + row * blocks + block, base + tl.log(tl.sum(tl.exp(logit - base))))
    at = (row * 4 * blocks + block) * BLOCK_T + tl.arange(0, BLOCK_T)
    for source in tl.static_range(4):
        if source != 2 or HAS_LAWS:
            if source == 0:
                values = logit
            elif source == 1:
                values = tl.where(is_word, p, none)
            elif source == 2:
                values = tl.where(is_word, q, none)
            else:
                values = tl.where(is_word, r, none)
            best, named = largest(values, word, TOP, BLOCK_T)
            tl.store(values_ptr + at + source * blocks * BLOCK_T, best)
            tl.store(labels_ptr + at + source * blocks * BLOCK_T, named)


@on_its_device
def candidates_triton(
    judged: tuple[torch.Tensor, ...],
    logits: torch.Tensor,
    has_laws: bool,
    rows: int,
    top: int,
    block: int = BLOCK,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One launch: (values, tokens [rows, 4, blocks, T], log-sum-exps [rows, blocks]).

    Args:
        judged: tokens, draft and target laws, links, masses, path, count, extra.
        has_laws: whether the draft laws are to be read.
    """
    nodes, vocab = logits.shape
    blocks, block_t = triton.cdiv(vocab, block), triton.next_power_of_2(top)
    values = judged[2].new_empty(rows, SOURCES, blocks, block_t)
    labels = judged[2].new_empty(rows, SOURCES, blocks, block_t, dtype=torch.int32)
    sums = judged[2].new_empty(rows, blocks)
    _candidates_kernel[(rows, blocks)](
        *judged, logits, values, labels, sums, nodes, vocab,
        HAS_LAWS=has_laws, BLOCK_V=block, TOP=top, BLOCK_T=block_t, num_warps=WARPS,
    )  # fmt: skip
    return values, labels, sums
