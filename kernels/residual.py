"""residual: what is left of the target's law at each judged node once its children failed.

    row i = r of ``kernels.thresholds`` at path[i], after all the children tested there

At the last node of the path it is what the next token is drawn from; above it, what it would
have been drawn from.  Children behind the accepted one were not tested; nor were any below a
node that ends the text (``extra`` = -1), whose row is the target's law itself.
"""

import torch

from kernels.device import on_its_device, runs_triton
from kernels.language import tl, triton
from kernels.thresholds import reject, without_one

BLOCK = 1024


def residual_reference(
    tokens: torch.Tensor,
    draft_laws: torch.Tensor | None,
    target_laws: torch.Tensor,
    links: torch.Tensor,
    masses: torch.Tensor,
    path: torch.Tensor,
    count: torch.Tensor,
    extra: torch.Tensor,
    rows: int,
) -> torch.Tensor:
    """Eager version: arguments as for ``residual``, which does not need ``masses`` here."""
    out, kept = target_laws.new_zeros(rows, target_laws.shape[1]), path[: int(count)].tolist()
    first, after = links.tolist()
    for row, node in enumerate(kept[:rows]):
        r, q = target_laws[node], None if draft_laws is None else draft_laws[node]
        is_last = row == len(kept) - 1
        stop = -1 if is_last else after[kept[row + 1]]
        child = -1 if is_last and int(extra) < 0 else first[node]
        while child != stop:
            r, q, _, _ = without_one(r, q, int(tokens[child]))
            child = after[child]
        out[row] = r
    return out


@triton.jit
def judged_at(path_ptr, count, extra_ptr, links_ptr, nodes, row):
    """The node of the path's row, and its tested children: from the first to before the stop."""
    node = tl.load(path_ptr + row).to(tl.int32)
    first, stop = tl.load(links_ptr + node), -1
    if row + 1 < count:
        stop = tl.load(links_ptr + nodes + tl.load(path_ptr + row + 1))
    elif tl.load(extra_ptr) < 0:
        stop = first
    return node, first, stop


@triton.jit
def residual_block(
    word, node, first, stop, tokens_ptr, draft_ptr, target_ptr, links_ptr, masses_ptr, nodes,
    vocab, HAS_LAWS: tl.constexpr,
):  # fmt: skip
    """(p, q, residual) of a node at the tokens ``word``; zero behind the vocabulary."""
    row = node.to(tl.int64) * vocab
    p = tl.load(target_ptr + row + word, mask=(word >= 0) & (word < vocab), other=0.0)
    q = tl.zeros_like(p)
    if HAS_LAWS:
        q = tl.load(draft_ptr + row + word, mask=(word >= 0) & (word < vocab), other=0.0)
    r, _ = reject(p, q, word, first, stop, tokens_ptr, links_ptr, masses_ptr, nodes, HAS_LAWS)
    return p, q, r


@triton.jit(do_not_specialize=("nodes",))
def _residual_kernel(
    tokens_ptr,  # [N]
    draft_ptr,  # [N, vocab], contiguous; not read without laws
    target_ptr,  # [N, vocab], contiguous
    links_ptr,  # [2, N]
    masses_ptr,  # [4, N]
    path_ptr,  # [N]
    count_ptr,  # [1]
    extra_ptr,  # [1]
    out_ptr,  # [rows, vocab]
    nodes,
    vocab,
    HAS_LAWS: tl.constexpr,
    BLOCK_V: tl.constexpr,
):
    """One program per row of the path and block of the vocabulary."""
    row, word = tl.program_id(0), tl.program_id(1) * BLOCK_V + tl.arange(0, BLOCK_V)
    count = tl.load(count_ptr).to(tl.int32)
    out_at = out_ptr + row.to(tl.int64) * vocab + word
    if row >= count:
        tl.store(out_at, tl.zeros([BLOCK_V], tl.float32), mask=word < vocab)
        return
    node, first, stop = judged_at(path_ptr, count, extra_ptr, links_ptr, nodes, row)
    _, _, r = residual_block(
        word, node, first, stop, tokens_ptr, draft_ptr, target_ptr, links_ptr, masses_ptr,
        nodes, vocab, HAS_LAWS,
    )  # fmt: skip
    tl.store(out_at, r, mask=word < vocab)


@on_its_device
def residual_triton(
    tokens: torch.Tensor,
    draft_laws: torch.Tensor | None,
    target_laws: torch.Tensor,
    links: torch.Tensor,
    masses: torch.Tensor,
    path: torch.Tensor,
    count: torch.Tensor,
    extra: torch.Tensor,
    rows: int,
    block: int = BLOCK,
) -> torch.Tensor:
    """One launch: reads the laws of the path's nodes once, writes once."""
    nodes, vocab = target_laws.shape
    assert target_laws.dtype == torch.float32 and target_laws.is_contiguous()
    assert draft_laws is None or draft_laws.is_contiguous()
    out = target_laws.new_empty(rows, vocab)
    _residual_kernel[(rows, triton.cdiv(vocab, block))](
        tokens, target_laws if draft_laws is None else draft_laws, target_laws, links, masses,
        path, count, extra, out, nodes, vocab, HAS_LAWS=draft_laws is not None, BLOCK_V=block,
    )  # fmt: skip
    return out


@torch.library.custom_op("speculoscope::residual", mutates_args=())
def residual(
    tokens: torch.Tensor,
    draft_laws: torch.Tensor | None,
    target_laws: torch.Tensor,
    links: torch.Tensor,
    masses: torch.Tensor,
    path: torch.Tensor,
    count: torch.Tensor,
    extra: torch.Tensor,
    rows: int,
) -> torch.Tensor:
    """[rows, V] residuals along a judged path; zeros behind its end.

    Args:
        tokens: [N], ``draft_laws`` [N, V] or ``None``, ``target_laws`` [N, V]: as judged.
        links: [2, N] and ``masses`` [4, N] of ``Accepted``, as ``path``, ``count``, ``extra``.
        rows: of the result, at least as many as the path may have.
    """
    work = residual_triton if runs_triton(target_laws.device) else residual_reference
    return work(tokens, draft_laws, target_laws, links, masses, path, count, extra, rows)


@residual.register_fake
def _(tokens, draft_laws, target_laws, links, masses, path, count, extra, rows):  # noqa: ANN001, ANN202
    return target_laws.new_empty(rows, target_laws.shape[1])
