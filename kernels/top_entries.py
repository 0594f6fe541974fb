"""top_entries: what a record keeps of the distributions met on the judged path.

For each node of the path, the largest entries of the logits, of the target's law, of the
drafter's law and of the residual, each with all four values at its token:

    tokens[i]  = top(logits), top(p), top(q), top(residual)       at path[i]
    columns[i] = p, q, residual, softmax(logits)                  at those tokens

and the same four at every drafted node's own token and at the drawn one.  The residual is worked
out where it is read (``kernels.residual``), never stored.  Equal values: the lower token first.
"""

from typing import NamedTuple

import torch

from kernels.accept import Accepted
from kernels.candidates import BLOCK, SOURCES, candidates_triton, largest
from kernels.device import on_its_device, runs_triton
from kernels.language import tl, triton
from kernels.residual import judged_at, residual_block, residual_reference
from kernels.tiles import node_block


class TopEntries(NamedTuple):
    """The record's numbers, ready for one copy to the host."""

    tokens: torch.Tensor  # [rows, 4, top] int32; -1 where there is none
    columns: torch.Tensor  # [rows, 4, 4, top] fp32: p, q, residual, model, by source
    own: torch.Tensor  # [4, N + 1] fp32: at each judged child's token; last, at ``extra``


def top_entries_reference(
    tokens: torch.Tensor,
    parents: torch.Tensor,
    draft_laws: torch.Tensor | None,
    target_laws: torch.Tensor,
    logits: torch.Tensor,
    links: torch.Tensor,
    masses: torch.Tensor,
    path: torch.Tensor,
    count: torch.Tensor,
    extra: torch.Tensor,
    rows: int,
    top: int,
) -> TopEntries:
    """Eager version: arguments as for ``top_entries``."""
    nodes, vocab = target_laws.shape
    judged = (tokens, draft_laws, target_laws, links, masses, path, count, extra)
    left = residual_reference(*judged, rows)
    found = tokens.new_full((rows, SOURCES, top), -1, dtype=torch.int32)
    columns = target_laws.new_zeros(rows, SOURCES, SOURCES, top)
    own = target_laws.new_zeros(SOURCES, nodes + 1)
    kept = path[: int(count)].tolist()
    for row, node in enumerate(kept[:rows]):
        p = target_laws[node]
        q = torch.zeros_like(p) if draft_laws is None else draft_laws[node]
        wide = logits[node].to(p.dtype)
        laws = torch.stack([p, q, left[row], wide.softmax(-1)])
        for source, values in enumerate((wide, p, q, left[row])):
            if source == 2 and draft_laws is None:
                continue
            best = values.sort(descending=True, stable=True).indices[:top]
            best = best[values[best] > -torch.inf]
            found[row, source, : len(best)] = best
            columns[row, source, :, : len(best)] = laws[:, best]
        below = (parents == node).nonzero()[:, 0]
        own[:, below] = laws[:, tokens[below]]
        if row == len(kept) - 1 and int(extra) >= 0:
            own[:, nodes] = laws[:, int(extra)]
    return TopEntries(found, columns, own)


@triton.jit(do_not_specialize=("nodes", "blocks"))
def _top_entries_kernel(
    tokens_ptr, draft_ptr, target_ptr, links_ptr, masses_ptr, path_ptr, count_ptr, extra_ptr,
    logits_ptr, parents_ptr, values_ptr, labels_ptr, sums_ptr,
    found_ptr,  # [rows, 4, TOP] int32
    columns_ptr,  # [rows, 4, 4, TOP] fp32
    own_ptr,  # [4, N + 1] fp32
    nodes,
    vocab,
    blocks,
    HAS_LAWS: tl.constexpr,
    BLOCK_B: tl.constexpr,
    BLOCK_N: tl.constexpr,
    TOP: tl.constexpr,
    BLOCK_T: tl.constexpr,
):  # fmt: skip
    """Per node of the path and source: the best of all blocks.  Source 4: the node's children."""
    row, source = tl.program_id(0), tl.program_id(1)
    count = tl.load(count_ptr).to(tl.int32)
    if row >= count:
        return
    node, first, stop = judged_at(path_ptr, count, extra_ptr, links_ptr, nodes, row)
    block = tl.arange(0, BLOCK_B)
    sums = tl.load(sums_ptr + row * blocks + block, mask=block < blocks, other=float("-inf"))
    most = tl.max(sums)
    lse = most + tl.log(tl.sum(tl.exp(sums - most)))
    if source < 4:
        slot = tl.arange(0, BLOCK_T)
        label = tl.full([BLOCK_T], -1, tl.int32)
        if source != 2 or HAS_LAWS:
            place = tl.arange(0, BLOCK_B * BLOCK_T)
            at = (row * 4 + source) * blocks * BLOCK_T + place
            inside = place < blocks * BLOCK_T
            values = tl.load(values_ptr + at, mask=inside, other=float("-inf"))
            labels = tl.load(labels_ptr + at, mask=inside, other=-1)
            _, label = largest(values, labels, TOP, BLOCK_T)
        p, q, r = residual_block(
            label, node, first, stop, tokens_ptr, draft_ptr, target_ptr, links_ptr, masses_ptr,
            nodes, vocab, HAS_LAWS,
        )  # fmt: skip
        logit_at = logits_ptr + node.to(tl.int64) * vocab + label
        logit = tl.load(logit_at, mask=label >= 0, other=float("-inf")).to(tl.float32)
        tl.store(found_ptr + (row * 4 + source) * TOP + slot, label, mask=slot < TOP)
        column_at = columns_ptr + (row * 4 + source) * 4 * TOP + slot
        tl.store(column_at, p, mask=slot < TOP)
        tl.store(column_at + TOP, q, mask=slot < TOP)
        tl.store(column_at + 2 * TOP, r, mask=slot < TOP)
        tl.store(column_at + 3 * TOP, tl.exp(logit - lse), mask=slot < TOP)
    else:
        index = tl.arange(0, BLOCK_N)
        parent = tl.load(parents_ptr + index, mask=index < nodes, other=-1).to(tl.int32)
        token = tl.load(tokens_ptr + index, mask=index < nodes, other=0).to(tl.int32)
        drawn = tl.load(extra_ptr).to(tl.int32)
        is_drawn = (index == nodes) & (row == count - 1) & (drawn >= 0)
        wanted = ((parent == node) & (index > 0)) | is_drawn
        word = tl.where(is_drawn, drawn, token)
        p_own, q_own, r_own = residual_block(
            word, node, first, stop, tokens_ptr, draft_ptr, target_ptr, links_ptr, masses_ptr,
            nodes, vocab, HAS_LAWS,
        )  # fmt: skip
        own_at = logits_ptr + node.to(tl.int64) * vocab + word
        own_logit = tl.load(own_at, mask=wanted, other=float("-inf")).to(tl.float32)
        tl.store(own_ptr + index, p_own, mask=wanted)
        tl.store(own_ptr + nodes + 1 + index, q_own, mask=wanted)
        tl.store(own_ptr + 2 * (nodes + 1) + index, r_own, mask=wanted)
        tl.store(own_ptr + 3 * (nodes + 1) + index, tl.exp(own_logit - lse), mask=wanted)


@on_its_device
def top_entries_triton(
    tokens: torch.Tensor,
    parents: torch.Tensor,
    draft_laws: torch.Tensor | None,
    target_laws: torch.Tensor,
    logits: torch.Tensor,
    links: torch.Tensor,
    masses: torch.Tensor,
    path: torch.Tensor,
    count: torch.Tensor,
    extra: torch.Tensor,
    rows: int,
    top: int,
    block: int = BLOCK,
) -> TopEntries:
    """Two launches: the largest of each block, then of all; reads each judged row once."""
    nodes, vocab = target_laws.shape
    assert target_laws.is_contiguous() and logits.is_contiguous() and logits.shape == (nodes, vocab)
    assert draft_laws is None or draft_laws.is_contiguous()
    found = tokens.new_full((rows, SOURCES, top), -1, dtype=torch.int32)
    columns = target_laws.new_zeros(rows, SOURCES, SOURCES, top)
    own = target_laws.new_zeros(SOURCES, nodes + 1)
    laws = (tokens, target_laws if draft_laws is None else draft_laws, target_laws)
    judged = (*laws, links, masses, path, count, extra)
    has_laws = draft_laws is not None
    values, labels, sums = candidates_triton(judged, logits, has_laws, rows, top, block)
    blocks, block_t = values.shape[2:]
    _top_entries_kernel[(rows, SOURCES + 1)](
        *judged, logits, parents, values, labels, sums, found, columns, own, nodes, vocab, blocks,
        HAS_LAWS=has_laws, BLOCK_B=triton.next_power_of_2(blocks),
        BLOCK_N=node_block(nodes + 1), TOP=top, BLOCK_T=block_t, num_warps=8,
    )  # fmt: skip
    return TopEntries(found, columns, own)


@torch.library.custom_op("speculoscope::top_entries", mutates_args=())
def _top_entries(
    tokens: torch.Tensor,
    parents: torch.Tensor,
    draft_laws: torch.Tensor | None,
    target_laws: torch.Tensor,
    logits: torch.Tensor,
    links: torch.Tensor,
    masses: torch.Tensor,
    path: torch.Tensor,
    count: torch.Tensor,
    extra: torch.Tensor,
    rows: int,
    top: int,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    work = top_entries_triton if runs_triton(logits.device) else top_entries_reference
    laws = (tokens, parents, draft_laws, target_laws, logits)
    return tuple(work(*laws, links, masses, path, count, extra, rows, top))


@_top_entries.register_fake
def _(
    tokens, parents, draft_laws, target_laws, logits, links, masses, path, count, extra, rows, top
):  # noqa
    found = tokens.new_empty(rows, SOURCES, top, dtype=torch.int32)
    columns = target_laws.new_empty(rows, SOURCES, SOURCES, top)
    return found, columns, target_laws.new_empty(SOURCES, len(tokens) + 1)


def top_entries(
    tokens: torch.Tensor,
    parents: torch.Tensor,
    draft_laws: torch.Tensor | None,
    target_laws: torch.Tensor,
    logits: torch.Tensor,
    accepted: Accepted,
    rows: int,
    top: int,
) -> TopEntries:
    """The largest entries of every distribution met on a judged path.

    Args:
        tokens: [N], ``parents`` [N], ``draft_laws`` [N, V] or ``None``, ``target_laws`` [N, V]:
            as they were judged.
        logits: [N, V] of the target before the processors, in any float dtype.
        accepted: what the judgement gave.
        rows: of the result, at least as many as the path may have.
        top: entries of each source.
    """
    path, count, extra, _, links, masses = accepted
    laws = (tokens, parents, draft_laws, target_laws, logits)
    return TopEntries(*_top_entries(*laws, links, masses, path, count, extra, rows, top))
