"""Logits to laws on the device: as ``Sampler.laws``, with nothing read by the host."""

import torch

from engine.sampling import Sampler
from engine.tree_buffers import TreeBuffers
from kernels.ancestors import unpack_ancestors


def static_laws(
    sampler: Sampler, logits: torch.Tensor, tree: TreeBuffers, seen: torch.Tensor
) -> torch.Tensor:
    """[N, V] laws of what follows each node of ``tree``, in fp32 (or fp64).

    Args:
        logits: [N, V].
        seen: [V] bool, whether the committed text has the token; read for the penalty only.
    """
    scores = logits if logits.dtype == torch.float64 else logits.float()
    if sampler.needs_history:
        penalty = sampler.config.repetition_penalty
        less = torch.where(scores < 0, scores * penalty, scores / penalty)
        scores = torch.where(_seen_by(tree, seen), less, scores)
    return sampler.laws_of(scores, few=scores.shape[-1])


def _seen_by(tree: TreeBuffers, seen: torch.Tensor) -> torch.Tensor:
    """[N, V] bool: the committed text and the nodes down to each one."""
    above = unpack_ancestors(tree.bits).int()
    counts = above.new_zeros(tree.size, len(seen))
    counts.scatter_add_(1, tree.tokens.expand(tree.size, -1), above)
    return (counts > 0) | seen
