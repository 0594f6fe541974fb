"""thresholds: what each node is tested against, before anything is known of the others.

The children c1, c2, .. of a node are tested in turn, by recursive rejection:

    r = p, q = q                                  the target's and the drafter's law there
    reach[c]   = r[token[c]]                      c is accepted if uniform * drafted < reach
    drafted[c] = q[token[c]]
    r = norm(max(r - q, 0)),  left[c] = its sum before norm; r stays where that is 0
    q = norm(q without token[c]),  kept[c] = its sum before norm; q stays where that is 0

A point mass is q = one-hot: drafted = 1, and r loses the token (``kernels.point_thresholds``).
None of it depends on the uniforms, so that all nodes are worked out side by side and a walk
over numbers remains.
(Leviathan et al., 2023; Jeon et al., 2024; Chen et al., 2024, "Sequoia".)
"""

from itertools import pairwise
from typing import NamedTuple

import torch

from kernels.device import on_its_device
from kernels.language import tl, triton
from kernels.tiles import node_block

BLOCK = 8192  # tokens of the vocabulary at a time


class Thresholds(NamedTuple):
    """Per node, as its parent's child."""

    links: torch.Tensor  # [2, N] int32: the first child, the next sibling; -1 for none
    masses: torch.Tensor  # [4, N]: reach, drafted, left, kept


def thresholds_reference(
    tokens: torch.Tensor,
    parents: torch.Tensor,
    draft_laws: torch.Tensor | None,
    target_laws: torch.Tensor,
) -> Thresholds:
    """Eager version: arguments as for ``kernels.accept.accept``."""
    nodes = len(tokens)
    links = torch.full((2, nodes), -1, dtype=torch.int32)
    masses = target_laws.new_zeros(4, nodes)
    token, parent = tokens.tolist(), parents.tolist()
    for node in range(nodes):
        below = [child for child in range(1, nodes) if parent[child] == node]
        links[0, node] = below[0] if below else -1
        r, q = target_laws[node], None if draft_laws is None else draft_laws[node]
        for child, after in pairwise([*below, -1]):
            links[1, child] = after
            masses[0, child] = r[token[child]]
            masses[1, child] = 1 if q is None else q[token[child]]
            r, q, masses[2, child], masses[3, child] = without_one(r, q, token[child])
    return Thresholds(links.to(tokens.device), masses)


def without_one(
    r: torch.Tensor, q: torch.Tensor | None, token: int
) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor, torch.Tensor]:
    """(r, q) once ``token`` was rejected, and the sums that they were divided by."""
    less = r.clone() if q is None else (r - q).clamp_min(0)
    if q is None:
        less[token] = 0
    left = less.sum()
    r = less / left if left > 0 else r
    if q is None:
        return r, None, left, left.new_ones(())
    rest = q.clone()
    rest[token] = 0
    kept = rest.sum()
    return r, rest / kept if kept > 0 else q, left, kept


@triton.jit
def reject(
    r,
    q,
    word,  # the tokens that r and q are of
    first,  # child to begin with
    stop,  # child to end before, or -1
    tokens_ptr,  # [N]
    links_ptr,  # [2, N]
    masses_ptr,  # [4, N]
    nodes,
    HAS_LAWS: tl.constexpr,
):
    """r and q at ``word`` once the children from ``first`` to before ``stop`` were rejected."""
    child = first
    while child != stop:
        token = tl.load(tokens_ptr + child).to(tl.int32)
        left = tl.load(masses_ptr + 2 * nodes + child)
        less = tl.maximum(r - q, 0.0) if HAS_LAWS else tl.where(word == token, 0.0, r)
        r = tl.where(left > 0, less / tl.where(left > 0, left, 1.0), r)
        if HAS_LAWS:
            kept = tl.load(masses_ptr + 3 * nodes + child)
            rest = tl.where(word == token, 0.0, q)
            q = tl.where(kept > 0, rest / tl.where(kept > 0, kept, 1.0), q)
        child = tl.load(links_ptr + nodes + child)
    return r, q


@triton.jit(do_not_specialize=("nodes",))
def _thresholds_kernel(
    tokens_ptr,  # [N]
    parents_ptr,  # [N]
    draft_ptr,  # [N, vocab], contiguous
    target_ptr,  # [N, vocab], contiguous
    links_ptr,  # [2, N]
    masses_ptr,  # [4, N]
    nodes,
    vocab,
    BLOCK_N: tl.constexpr,
    BLOCK_V: tl.constexpr,
):
    """One program per node; its children one after the other, a pass over the laws for each."""
    node = tl.program_id(0)
    row = node.to(tl.int64) * vocab
    index = tl.arange(0, BLOCK_N)
    parent = tl.load(parents_ptr + index, mask=index < nodes, other=-1).to(tl.int32)
    is_below = (parent == node) & (index > 0)
    first = tl.min(tl.where(is_below, index, nodes))
    tl.store(links_ptr + node, tl.where(first < nodes, first, -1))
    child = first
    while child < nodes:
        after = tl.min(tl.where(is_below & (index > child), index, nodes))
        token = tl.load(tokens_ptr + child).to(tl.int32)
        p, q = tl.load(target_ptr + row + token), tl.load(draft_ptr + row + token)
        r, q = reject(p, q, token, first, child, tokens_ptr, links_ptr, masses_ptr, nodes, True)
        tl.store(masses_ptr + child, r)
        tl.store(masses_ptr + nodes + child, q)
        left, kept = tl.zeros([BLOCK_V], tl.float32), tl.zeros([BLOCK_V], tl.float32)
        for start in range(0, vocab, BLOCK_V):
            word = start + tl.arange(0, BLOCK_V)
            p_block = tl.load(target_ptr + row + word, mask=word < vocab, other=0.0)
            q_block = tl.load(draft_ptr + row + word, mask=word < vocab, other=0.0)
            r_block, q_block = reject(
                p_block, q_block, word, first, child, tokens_ptr, links_ptr, masses_ptr, nodes,
                True,
            )  # fmt: skip
            left += tl.maximum(r_block - q_block, 0.0)
            kept += tl.where(word == token, 0.0, q_block)
        tl.store(masses_ptr + 2 * nodes + child, tl.sum(left))
        tl.store(masses_ptr + 3 * nodes + child, tl.sum(kept))
        tl.store(links_ptr + nodes + child, tl.where(after < nodes, after, -1))
        tl.debug_barrier()  # the next child's passes read them
        child = after


@on_its_device
def thresholds_triton(
    tokens: torch.Tensor,
    parents: torch.Tensor,
    draft_laws: torch.Tensor,
    target_laws: torch.Tensor,
    block: int = BLOCK,
) -> Thresholds:
    """One launch; laws in fp32, read once for each child of their node."""
    nodes, vocab = target_laws.shape
    assert target_laws.dtype == torch.float32 and target_laws.is_contiguous()
    assert draft_laws.shape == target_laws.shape
    assert draft_laws.dtype == torch.float32 and draft_laws.is_contiguous()
    assert tokens.shape == parents.shape == (nodes,)
    links = tokens.new_full((2, nodes), -1, dtype=torch.int32)
    masses = target_laws.new_zeros(4, nodes)
    _thresholds_kernel[(nodes,)](
        tokens, parents, draft_laws, target_laws, links, masses, nodes, vocab,
        BLOCK_N=node_block(nodes), BLOCK_V=block, num_warps=16,
    )  # fmt: skip
    return Thresholds(links, masses)
