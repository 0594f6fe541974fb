"""point_thresholds: ``kernels.thresholds`` where every drafted node is a point mass.

Rejecting c1, .. ci takes their tokens from the target's law p and scales what is left:

    L[i] = sum of p without token[c1], .. token[ci],   L[0] = 1
    reach[ci] = p[token[ci]] / L[i-1],   left[ci] = L[i] / L[i-1]

L is summed from its end, the law without any child's token first: p is read once, however many
children there are, and nothing is lost to a difference of large sums.  Where L[i] is 0 the law
stays as it was, so that below ci reach is 0 and left is 1.
"""

import torch

from kernels.device import on_its_device
from kernels.language import tl, triton
from kernels.thresholds import Thresholds
from kernels.tiles import node_block

BLOCK = 4096  # tokens of the vocabulary at a time


@triton.jit(do_not_specialize=("nodes",))
def _rest_kernel(
    tokens_ptr,  # [N]
    parents_ptr,  # [N]
    target_ptr,  # [N, vocab], contiguous
    rest_ptr,  # [N, blocks] fp64; of leaves nothing is written
    nodes,
    vocab,
    BLOCK_N: tl.constexpr,
    BLOCK_V: tl.constexpr,
):
    """The mass of one block of the vocabulary at one node, its children's tokens left out."""
    node, block = tl.program_id(0), tl.program_id(1)
    index = tl.arange(0, BLOCK_N)
    parent = tl.load(parents_ptr + index, mask=index < nodes, other=-1).to(tl.int32)
    is_below = (parent == node) & (index > 0)
    if tl.max(tl.where(is_below, 1, 0)) == 0:
        return
    word = block * BLOCK_V + tl.arange(0, BLOCK_V)
    mass = tl.load(target_ptr + node.to(tl.int64) * vocab + word, mask=word < vocab, other=0.0)
    token = tl.load(tokens_ptr + index, mask=index < nodes, other=-1).to(tl.int32)
    is_inside = is_below & (token // BLOCK_V == block)
    child = tl.min(tl.where(is_inside, index, nodes))
    while child < nodes:
        mass = tl.where(word == tl.load(tokens_ptr + child).to(tl.int32), 0.0, mass)
        child = tl.min(tl.where(is_inside & (index > child), index, nodes))
    tl.store(rest_ptr + node * tl.num_programs(1) + block, tl.sum(mass.to(tl.float64)))


@triton.jit(do_not_specialize=("nodes", "blocks"))
def _point_thresholds_kernel(
    tokens_ptr,  # [N]
    parents_ptr,  # [N]
    target_ptr,  # [N, vocab], contiguous
    rest_ptr,  # [N, blocks] fp64
    links_ptr,  # [2, N]
    masses_ptr,  # [4, N]
    nodes,
    vocab,
    blocks,
    BLOCK_N: tl.constexpr,
    BLOCK_B: tl.constexpr,
):
    """One warp per node: its children from the last to the first, a few numbers each."""
    node = tl.program_id(0)
    index, block = tl.arange(0, BLOCK_N), tl.arange(0, BLOCK_B)
    parent = tl.load(parents_ptr + index, mask=index < nodes, other=-1).to(tl.int32)
    token = tl.load(tokens_ptr + index, mask=index < nodes, other=-1).to(tl.int32)
    is_below = (parent == node) & (index > 0)
    first = tl.min(tl.where(is_below, index, nodes))
    tl.store(links_ptr + node, tl.where(first < nodes, first, -1))
    if first == nodes:
        return
    left = tl.sum(tl.load(rest_ptr + node * blocks + block, mask=block < blocks, other=0.0))
    child, after = tl.max(tl.where(is_below, index, -1)), -1
    while child >= 0:
        word = tl.load(tokens_ptr + child).to(tl.int32)
        is_elder = is_below & (index < child)
        elder = tl.max(tl.where(is_elder, index, -1))
        own = tl.load(target_ptr + node.to(tl.int64) * vocab + word).to(tl.float64)
        own = tl.where(tl.max(tl.where(is_elder & (token == word), 1, 0)) > 0, 0.0, own)
        whole = tl.where(elder >= 0, left + own, 1.0)
        some = tl.where(whole > 0, whole, 1.0)
        tl.store(masses_ptr + child, (own / some).to(tl.float32))
        tl.store(masses_ptr + nodes + child, 1.0)
        tl.store(masses_ptr + 2 * nodes + child, tl.where(whole > 0, left / some, 1.0))
        tl.store(masses_ptr + 3 * nodes + child, 1.0)
        tl.store(links_ptr + nodes + child, after)
        left += own
        after, child = child, elder


@on_its_device
def point_thresholds_triton(
    tokens: torch.Tensor, parents: torch.Tensor, target_laws: torch.Tensor, block: int = BLOCK
) -> Thresholds:
    """Two launches: sums of all blocks side by side, then the few numbers of every child.

    Args:
        tokens: [N], ``parents`` [N], ``target_laws`` [N, V] fp32: as for ``kernels.accept.accept``;
            of siblings with one token the younger has no mass.
    """
    nodes, vocab = target_laws.shape
    assert target_laws.dtype == torch.float32 and target_laws.is_contiguous()
    assert tokens.shape == parents.shape == (nodes,)
    links = tokens.new_full((2, nodes), -1, dtype=torch.int32)
    masses = target_laws.new_zeros(4, nodes)
    blocks, block_n = triton.cdiv(vocab, block), node_block(nodes)
    rest = target_laws.new_empty(nodes, blocks, dtype=torch.float64)
    read = (tokens, parents, target_laws, rest)
    _rest_kernel[(nodes, blocks)](*read, nodes, vocab, BLOCK_N=block_n, BLOCK_V=block, num_warps=8)
    _point_thresholds_kernel[(nodes,)](
        *read, links, masses, nodes, vocab, blocks,
        BLOCK_N=block_n, BLOCK_B=triton.next_power_of_2(blocks), num_warps=1,
    )  # fmt: skip
    return Thresholds(links, masses)
