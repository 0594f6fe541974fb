"""The ancestor mask as bits: what a node sees of its tree, 32 nodes to an integer."""

import torch


def pack_ancestors(seen: torch.Tensor) -> torch.Tensor:
    """[N, N] bool (row i: i and the nodes above it) to [N, ceil(N / 32)] int32.

    Node j is bit j % 32 of word j // 32.  On the tensor's device, with no host read.
    """
    nodes = seen.shape[0]
    words = (nodes + 31) // 32
    wide = torch.nn.functional.pad(seen, (0, words * 32 - nodes)).view(nodes, words, 32)
    place = torch.arange(32, device=seen.device)
    return (wide.long() << place).sum(-1).to(torch.int32)  # wraps: bit 31 is the sign


def unpack_ancestors(bits: torch.Tensor) -> torch.Tensor:
    """[N, W] int32 to [N, N] bool, the inverse of ``pack_ancestors``."""
    place = torch.arange(32, device=bits.device, dtype=torch.int32)
    seen = (bits[:, :, None] >> place) & 1
    return seen.flatten(1)[:, : bits.shape[0]].bool()


def trace_ancestors(parents: torch.Tensor, levels: int) -> torch.Tensor:
    """[N] parents (-1 for none) of a tree of so many ``levels`` to [N, N] bool, as above."""
    place = torch.arange(len(parents), device=parents.device)
    seen, above = place[:, None] == place, parents
    for _ in range(levels):
        seen = seen | (above[:, None] == place)
        above = torch.where(above < 0, above, parents.index_select(0, above.clamp_min(0)))
    return seen
