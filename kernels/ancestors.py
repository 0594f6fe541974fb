"""The ancestor mask as bits: what a node sees of its tree, 32 nodes to an integer."""

import torch


def pack_ancestors(seen: torch.Tensor) -> torch.Tensor:
    """[n, N] bool (row i: what node i, or the i-th of some, sees) to [n, ceil(N / 32)] int32.

    Node j is bit j % 32 of word j // 32.  On the tensor's device, with no host read.
    """
    rows, nodes = seen.shape
    words = (nodes + 31) // 32
    wide = torch.nn.functional.pad(seen, (0, words * 32 - nodes)).view(rows, words, 32)
    place = torch.arange(32, device=seen.device)
    return (wide.long() << place).sum(-1).to(torch.int32)  # wraps: bit 31 is the sign


def unpack_ancestors(bits: torch.Tensor, nodes: int | None = None) -> torch.Tensor:
    """[n, W] int32 to [n, N] bool, the inverse of ``pack_ancestors``.

    Args:
        nodes: N; ``None`` where every node has a row.
    """
    place = torch.arange(32, device=bits.device, dtype=torch.int32)
    seen = (bits[:, :, None] >> place) & 1
    return seen.flatten(1)[:, : bits.shape[0] if nodes is None else nodes].bool()


def trace_ancestors(parents: torch.Tensor, levels: int) -> torch.Tensor:
    """[N] parents (-1 for none) of a tree of so many ``levels`` to [N, N] bool, as above."""
    place = torch.arange(len(parents), device=parents.device)
    seen, above = place[:, None] == place, parents
    for _ in range(levels):
        seen = seen | (above[:, None] == place)
        above = torch.where(above < 0, above, parents.index_select(0, above.clamp_min(0)))
    return seen
