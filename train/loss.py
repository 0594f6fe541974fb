"""How far a drafter's law is from the target's, over a slice of the vocabulary.

Equation, for one position with the target's K most probable tokens p_1..p_K and their
rest p_r = 1 - sum p_k, the drafter's q likewise:

    loss = - sum_k p_k log q_k  -  p_r log q_r

A head over 49,152 tokens is most of a small drafter's cost.  The normaliser of q is
therefore summed over the tokens that matter (frequent ones, and those this batch's laws
hold) plus a random few of the others, each counted for as many as it stands for (sampled
softmax: Bengio & Senecal 2008, Jean et al. 2015); its expectation is the full sum.
"""

from typing import NamedTuple

import torch


class Slice(NamedTuple):
    """Some tokens of the vocabulary.

    Attributes:
        ids: [S] token ids: the certain ones, then the random ones.
        log_weight: [S] what to add to a logit where it enters the normaliser.
        place: [V] index of a certain token in ``ids``, else -1.
    """

    ids: torch.Tensor
    log_weight: torch.Tensor
    place: torch.Tensor


def slice_vocabulary(
    certain: torch.Tensor, size: int, random: int, generator: torch.Generator
) -> Slice:
    """``certain`` token ids (unique) and ``random`` others out of a vocabulary of ``size``."""
    place = torch.full((size,), -1, device=certain.device)
    place[certain] = torch.arange(len(certain), device=certain.device)
    others = torch.nonzero(place < 0)[:, 0]
    drawn = others[torch.randperm(len(others), generator=generator)[:random].to(others.device)]
    log_weight = torch.zeros(len(certain) + len(drawn), device=certain.device)
    if len(drawn):
        log_weight[len(certain) :] = torch.tensor(len(others) / len(drawn)).log()
    return Slice(torch.cat([certain, drawn]), log_weight, place)


def distillation_loss(
    logits: torch.Tensor,
    top_ids: torch.Tensor,
    top_probs: torch.Tensor,
    part: Slice,
    hard: float,
) -> torch.Tensor:
    """Mean cross-entropy of the drafter against the target.

    Args:
        logits: [N, S] the drafter's, over ``part.ids``.
        top_ids: [N, K] the target's most probable tokens, best first.
        top_probs: [N, K] their probabilities.
        part: the slice; a token of ``top_ids`` outside its certain ones counts as rest.
        hard: share of the label that is the target's best token alone, as greedy
            decoding asks for it; nothing where the slice lacks that token.
    """
    where = part.place[top_ids]
    probs = torch.where(where >= 0, top_probs, 0.0)
    best = hard * (where[:, :1] >= 0)
    rest = (1 - probs.sum(-1)).clamp(min=0) * (1 - best[:, 0])
    probs = probs * (1 - best)
    probs[:, :1] += best
    # a certain token weighs nothing more, so what is gathered is log q; in one pass over the
    # logits and one back, where a logsumexp makes six
    log_q = (logits + part.log_weight).log_softmax(-1).gather(1, where.clamp(min=0))
    q_rest = 1 - torch.where(where >= 0, log_q, -torch.inf).exp().sum(-1)
    return (-(probs * log_q).sum(-1) - rest * q_rest.clamp(min=1e-5).log()).mean()
