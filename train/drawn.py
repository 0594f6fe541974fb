"""How often a drawn child is accepted, by depth and by the order in which it is tested.

Children are drawn one after another without replacement from the head's law q and judged
against the target's p: accepted with min(1, p / q), else p becomes what is left of p - q, and q
loses the child (recursive rejection; Sequoia, arXiv 2402.12374).
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.family import Guesser, after
from train.state_feed import Part, gather_states

TINY = 1e-9


@torch.inference_mode()
def drawn_chances(
    family: Guesser,
    head: nn.Module,
    rows: Iterable[tuple[Part, int]],
    words: Tensor,
    num_ranks: int,
    temperature: float = 0.7,
) -> list[list[float]]:
    """[depth][rank] of a child being the accepted one, along the text of ``rows``."""
    generator = torch.Generator().manual_seed(0)
    known = family.draft_ids(head)
    sums = torch.zeros(family.max_ahead, num_ranks)
    counts = torch.zeros(family.max_ahead, 1)
    for part, row in rows:
        batch = gather_states(part, [row], family.columns)
        following = after(batch.ids, words, family.max_ahead)
        for guess in family.guesses(head, batch, following, family.max_ahead):
            logits = F.linear(guess.hidden, words if known is None else words[known])
            draft = F.pad((logits / temperature).softmax(-1), (0, 1))  # the last: all it has not
            ids, probs = batch.law(guess.asked, guess.ahead)
            place = ids if known is None else places(ids, known)
            target = torch.zeros_like(draft).scatter_add_(1, place, probs.pow(1 / temperature))
            target /= target.sum(-1, keepdim=True)
            sums[guess.ahead] += accept_chances(target, draft, num_ranks, generator).sum(0)
            counts[guess.ahead] += len(target)
    return [[round(value, 4) for value in line] for line in (sums / counts.clamp(min=1)).tolist()]


def accept_chances(
    target: Tensor, draft: Tensor, num_ranks: int, generator: torch.Generator
) -> Tensor:
    """[N, R] chance that the child drawn at each turn is the accepted one.

    Args:
        target, draft: [N, V] laws of the target and of the head.
    """
    left, still, found = target.clone(), target.new_ones(len(target)), []
    draft = draft.clone()
    for _ in range(num_ranks):
        child = torch.multinomial(draft + TINY, 1, generator=generator)
        chance = (left.gather(1, child) / draft.gather(1, child).clamp(min=TINY)).clamp(max=1)[:, 0]
        found.append(still * chance)
        still = still * (1 - chance)
        left = (left - draft).clamp(min=0)
        left = left / left.sum(-1, keepdim=True).clamp(min=TINY)
        draft = draft.scatter(1, child, 0.0)
        draft = draft / draft.sum(-1, keepdim=True).clamp(min=TINY)
    return torch.stack(found, 1)


def places(ids: Tensor, known: Tensor) -> Tensor:
    """Where ``ids`` are among ``known`` [Vd], ascending; Vd where they are not."""
    place = torch.searchsorted(known, ids).clamp(max=len(known) - 1)
    return torch.where(known[place] == ids, place, len(known))
