"""walk: from the root down to the last node that the target agrees with.

    node = root;  while a child of node passes: node = the first that does
    greedy:   c passes if token[c] = the target's choice at its parent
    sampled:  c passes if uniform[c] * drafted[c] < reach[c]       (``kernels.thresholds``)

An accepted end of sequence ends the path.
"""

from typing import NamedTuple

import torch

from kernels.device import on_its_device
from kernels.language import tl, triton
from kernels.tiles import node_block

REJECTED, ACCEPTED = 1, 2  # verdicts; 0 is untested


class Walk(NamedTuple):
    """How far the target agreed."""

    path: torch.Tensor  # [N] int32: the root and the accepted nodes, then -1
    count: torch.Tensor  # [1] int32: nodes of the path
    extra: torch.Tensor  # [1] int64: the token behind it, -1 where the path ends the text
    verdicts: torch.Tensor  # [N] int8: 0 untested, 1 rejected, 2 accepted (the root too)


def walk_reference(
    tokens: torch.Tensor, parents: torch.Tensor, passed: torch.Tensor, ends: torch.Tensor
) -> Walk:
    """Eager version of the walk: ``passed`` [N] bool; ``extra`` is 0 where it is to be drawn."""
    path, verdicts, last = [0], torch.zeros(len(tokens), dtype=torch.int8), {*ends.tolist()}
    verdicts[0] = ACCEPTED
    going = True
    while going:
        going = False
        for child in (parents == path[-1]).nonzero()[:, 0].tolist():
            verdicts[child] = ACCEPTED if passed[child] else REJECTED
            if passed[child]:
                path.append(child)
                going = int(tokens[child]) not in last
                break
    is_end = len(path) > 1 and int(tokens[path[-1]]) in last
    padded = torch.tensor([*path, *[-1] * (len(tokens) - len(path))], dtype=torch.int32)
    count, extra = torch.tensor([len(path)], dtype=torch.int32), torch.tensor([-int(is_end)])
    return Walk(*(told.to(tokens.device) for told in (padded, count, extra, verdicts)))


@triton.jit(do_not_specialize=("nodes", "num_ends"))
def _walk_kernel(
    tokens_ptr,  # [N]
    parents_ptr,  # [N]
    choice_ptr,  # [N] greedy: the target's token behind each node
    masses_ptr,  # [4, N] sampled
    uniforms_ptr,  # [N] sampled
    ends_ptr,  # [num_ends]
    path_ptr,  # [N]
    count_ptr,  # [1]
    extra_ptr,  # [1]
    verdicts_ptr,  # [N]
    nodes,
    num_ends,
    IS_GREEDY: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    """One warp holds the whole tree; a level is one minimum over it."""
    index = tl.arange(0, BLOCK_N)
    is_node = index < nodes
    parent = tl.load(parents_ptr + index, mask=is_node, other=-1).to(tl.int32)
    token = tl.load(tokens_ptr + index, mask=is_node, other=-1)
    is_drafted = is_node & (parent >= 0)
    if IS_GREEDY:
        passed = is_drafted & (tl.load(choice_ptr + parent, mask=is_drafted, other=-1) == token)
    else:
        uniform = tl.load(uniforms_ptr + index, mask=is_drafted, other=1.0).to(tl.float64)
        reach = tl.load(masses_ptr + index, mask=is_drafted, other=0.0).to(tl.float64)
        drafted = tl.load(masses_ptr + nodes + index, mask=is_drafted, other=1.0).to(tl.float64)
        passed = is_drafted & (uniform * drafted < reach)
    is_end = index < 0
    for end in range(num_ends):
        is_end = is_end | (token == tl.load(ends_ptr + end))
    path, verdict = tl.where(index == 0, 0, -1), tl.where(index == 0, 2, 0)
    node, count, going, ended = 0, 1, 1, 0
    while going > 0:
        is_below = is_drafted & (parent == node)
        child = tl.min(tl.where(is_below & passed, index, nodes))
        verdict = tl.where(is_below & (index < child), 1, verdict)
        verdict = tl.where((index == child) & is_node, 2, verdict)
        path = tl.where((index == count) & (child < nodes), child, path)
        ended = tl.max(tl.where((index == child) & is_node & is_end, 1, 0))
        going = tl.where((child < nodes) & (ended == 0), 1, 0)
        count += tl.where(child < nodes, 1, 0)
        node = tl.where(child < nodes, child, node)
    tl.store(path_ptr + index, path, mask=is_node)
    tl.store(verdicts_ptr + index, verdict.to(tl.int8), mask=is_node)
    tl.store(count_ptr, count)
    extra = -ended.to(tl.int64)
    if IS_GREEDY:
        extra = tl.where(ended > 0, extra, tl.load(choice_ptr + node).to(tl.int64))
    tl.store(extra_ptr, extra)


@on_its_device
def walk_triton(
    tokens: torch.Tensor,
    parents: torch.Tensor,
    ends: torch.Tensor,
    choice: torch.Tensor | None,
    masses: torch.Tensor | None,
    uniforms: torch.Tensor | None,
) -> Walk:
    """One launch of one warp."""
    nodes = len(tokens)
    assert tokens.is_contiguous() and parents.is_contiguous() and ends.is_contiguous()
    path, count = (tokens.new_empty(size, dtype=torch.int32) for size in (nodes, 1))
    extra = tokens.new_empty(1, dtype=torch.int64)
    verdicts = tokens.new_empty(nodes, dtype=torch.int8)
    unread = tokens  # an argument of the other rule
    _walk_kernel[(1,)](
        tokens, parents, unread if choice is None else choice,
        unread if masses is None else masses, unread if uniforms is None else uniforms,
        ends, path, count, extra, verdicts, nodes, len(ends),
        IS_GREEDY=choice is not None, BLOCK_N=node_block(nodes), num_warps=1,
    )  # fmt: skip
    return Walk(path, count, extra, verdicts)
