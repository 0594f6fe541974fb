"""Logits to laws on the device: as ``Sampler.laws``, with nothing read by the host."""

import torch

from engine.device.tree_buffers import TreeBuffers
from engine.sampling import Sampler
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
    above = unpack_ancestors(tree.bits).index_select(0, nodes)
    return path_scores(sampler, logits, tree.tokens, above, seen)


def path_scores(
    sampler: Sampler,
    logits: torch.Tensor,
    tokens: torch.Tensor,
    above: torch.Tensor,
    seen: torch.Tensor,
) -> torch.Tensor:
    """The same of what follows the paths ``above`` [n, size] through ``tokens`` [size].

    Each path may have ``tokens`` [n, size] of its own.
    """
    scores = logits if logits.dtype == torch.float64 else logits.float()
    if not sampler.needs_history:
        return scores
    penalty = sampler.config.repetition_penalty
    less = torch.where(scores < 0, scores * penalty, scores / penalty)
    counts = above.new_zeros(len(above), len(seen), dtype=torch.int)
    counts.scatter_add_(1, tokens.expand(len(above), -1), above.int())
    return torch.where((counts > 0) | seen, less, scores)
