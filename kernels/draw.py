"""draw: the token behind the path, at a uniform of the last residual's inverse cumulative law.

    draw(r, u) = the first token t with r[0] + .. + r[t] > u * (r[0] + .. + r[V - 1])

Sums in fp64: in fp32 they would lose tokens of a large vocabulary.  Never a token without
mass: where rounding finds none, the last one that has some.
"""

import torch

from kernels.device import on_its_device
from kernels.language import tl, triton
from kernels.residual import judged_at, residual_block

BLOCK = 1024


def draw_reference(law: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """Eager version: one token of ``law`` [V]."""
    mass = law.double().cumsum(-1)
    token = torch.searchsorted(mass, (uniform.double() * mass[-1]).view(1), right=True)
    return torch.minimum(token, law.nonzero()[-1])


@triton.jit(do_not_specialize=("nodes",))
def _mass_kernel(
    tokens_ptr, draft_ptr, target_ptr, links_ptr, masses_ptr, path_ptr, count_ptr, extra_ptr,
    sums_ptr,  # [blocks] fp64
    nodes,
    vocab,
    HAS_LAWS: tl.constexpr,
    BLOCK_V: tl.constexpr,
):  # fmt: skip
    """The last residual's mass in one block of the vocabulary."""
    block, count = tl.program_id(0), tl.load(count_ptr).to(tl.int32)
    node, first, stop = judged_at(path_ptr, count, extra_ptr, links_ptr, nodes, count - 1)
    word = block * BLOCK_V + tl.arange(0, BLOCK_V)
    _, _, r = residual_block(
        word, node, first, stop, tokens_ptr, draft_ptr, target_ptr, links_ptr, masses_ptr,
        nodes, vocab, HAS_LAWS,
    )  # fmt: skip
    tl.store(sums_ptr + block, tl.sum(r.to(tl.float64)))


@triton.jit(do_not_specialize=("nodes", "blocks"))
def _draw_kernel(
    tokens_ptr, draft_ptr, target_ptr, links_ptr, masses_ptr, path_ptr, count_ptr, extra_ptr,
    sums_ptr,  # [blocks] fp64
    uniforms_ptr,  # [N], the root's is used
    nodes,
    vocab,
    blocks,
    HAS_LAWS: tl.constexpr,
    BLOCK_V: tl.constexpr,
    BLOCK_B: tl.constexpr,
):  # fmt: skip
    """Find the block by its sums, then the token in it; nothing where the path ends the text."""
    if tl.load(extra_ptr) < 0:
        return
    index, count = tl.arange(0, BLOCK_B), tl.load(count_ptr).to(tl.int32)
    sums = tl.load(sums_ptr + index, mask=index < blocks, other=0.0)
    upto = tl.cumsum(sums, 0)
    aim = tl.load(uniforms_ptr).to(tl.float64) * tl.sum(sums)
    block = tl.min(tl.where((upto > aim) & (sums > 0), index, BLOCK_B))
    block = tl.where(block < BLOCK_B, block, tl.max(tl.where(sums > 0, index, 0)))
    before = tl.sum(tl.where(index < block, sums, 0.0))
    node, first, stop = judged_at(path_ptr, count, extra_ptr, links_ptr, nodes, count - 1)
    place = tl.arange(0, BLOCK_V)
    _, _, r = residual_block(
        block * BLOCK_V + place, node, first, stop, tokens_ptr, draft_ptr, target_ptr, links_ptr,
        masses_ptr, nodes, vocab, HAS_LAWS,
    )  # fmt: skip
    upto = before + tl.cumsum(r.to(tl.float64), 0)
    token = tl.min(tl.where((upto > aim) & (r > 0), place, BLOCK_V))
    token = tl.where(token < BLOCK_V, token, tl.max(tl.where(r > 0, place, 0)))
    tl.store(extra_ptr, (block * BLOCK_V + token).to(tl.int64))


@on_its_device
def draw_triton(
    tokens: torch.Tensor,
    draft_laws: torch.Tensor | None,
    target_laws: torch.Tensor,
    links: torch.Tensor,
    masses: torch.Tensor,
    path: torch.Tensor,
    count: torch.Tensor,
    extra: torch.Tensor,
    uniforms: torch.Tensor,
    block: int = BLOCK,
) -> None:
    """Two launches; writes the token into ``extra`` unless that is negative."""
    nodes, vocab = target_laws.shape
    blocks = triton.cdiv(vocab, block)
    sums = target_laws.new_empty(blocks, dtype=torch.float64)
    laws = (tokens, target_laws if draft_laws is None else draft_laws, target_laws)
    judged = (*laws, links, masses, path, count, extra, sums)
    options = {"HAS_LAWS": draft_laws is not None, "BLOCK_V": block}
    _mass_kernel[(blocks,)](*judged, nodes, vocab, **options)
    _draw_kernel[(1,)](
        *judged, uniforms, nodes, vocab, blocks, BLOCK_B=triton.next_power_of_2(blocks), **options
    )
