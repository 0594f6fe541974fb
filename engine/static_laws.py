"""Logits to laws on the device: as ``Sampler.laws``, with nothing read by the host."""

import torch

from engine.sampling import Sampler
from engine.tree_buffers import TreeBuffers
from kernels.ancestors import unpack_ancestors


def static_laws(
    sampler: Sampler, logits: torch.Tensor, tree: TreeBuffers, seen: torch.Tensor
) -> torch.Tensor:
    """[N, V] laws of what follows each node of ``tree``, in fp32 (or fp64); arguments as below."""
    scores = static_scores(sampler, logits, tree, seen, tree.places)
    return sampler.laws_of(scores, few=scores.shape[-1])


def static_scores(
    sampler: Sampler,
    logits: torch.Tensor,
    tree: TreeBuffers,
    seen: torch.Tensor,
    nodes: torch.Tensor,
) -> torch.Tensor:
    """[n, V] logits of what follows ``nodes`` after the penalty alone, in fp32 (or fp64).

    Args:
        logits: [n, V].
        seen: [V] bool, whether the committed text has the token; read for the penalty only.
        nodes: [n] of ``tree``.
    """
    scores = logits if logits.dtype == torch.float64 else logits.float()
    if not sampler.needs_history:
        return scores
    penalty = sampler.config.repetition_penalty
    less = torch.where(scores < 0, scores * penalty, scores / penalty)
    return torch.where(_seen_by(tree, seen, nodes), less, scores)


def _seen_by(tree: TreeBuffers, seen: torch.Tensor, nodes: torch.Tensor) -> torch.Tensor:
    """[n, V] bool: the committed text and the nodes down to each of ``nodes``."""
    above = unpack_ancestors(tree.bits).index_select(0, nodes).int()
    counts = above.new_zeros(len(nodes), len(seen))
    counts.scatter_add_(1, tree.tokens.expand(len(nodes), -1), above)
    return (counts > 0) | seen
