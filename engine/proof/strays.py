"""How far the first token of a round strays from the target's law by a broken rule, exactly.

Nothing is drawn here: every way a rule can go is weighed, so that rounds can be ranked by what
a proof of them will show.
"""

from collections.abc import Sequence

import torch

from engine.verify import residual, without

TOP = 48  # tokens that are looked at where all ways of drawing siblings are: the others are rare


def distance(law: torch.Tensor, p: torch.Tensor) -> float:
    """Total variation: the largest difference in the chance of anything."""
    return float((law - p).abs().sum()) / 2


def hung_law(tokens: Sequence[int], q: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    """[V] the first token where ``tokens`` hang below the root, judged as if drawn from q."""
    law, reached, r = torch.zeros_like(p), 1.0, p
    for token in tokens:
        wanted, drafted = float(r[token]), float(q[token])
        accepted = min(1.0, wanted / drafted) if drafted > 0 else float(wanted > 0)
        law[token] += reached * accepted
        reached *= 1 - accepted
        r, q = residual(r, q), without(q, token)
    return law + reached * r


def lost_mass_laws(
    p: torch.Tensor, q: torch.Tensor, count: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """[TOP] the first token where q is not renormalised among ``count`` siblings; and the p of it.

    Both among the likeliest tokens alone: of ways to draw siblings there are V to the ``count``.
    """
    top = (p + q).topk(min(TOP, len(p))).indices
    p, q = p[top].double() / p[top].double().sum(), q[top].double() / q[top].double().sum()
    law, size = torch.zeros_like(p), len(top)
    r, judged, weight = p[None], q[None], torch.ones(1, dtype=p.dtype)  # [B, TOP], [B] ways
    for left in reversed(range(count)):
        mass = judged.sum(1, keepdim=True)
        drawn = judged / mass.clamp_min(1e-300)  # [B, TOP] what the next sibling is drawn from
        accepted = drawn * (r / judged.clamp_min(1e-300)).clamp_max(1)
        law += weight @ accepted + (weight * (mass[:, 0] == 0)) @ r  # no sibling is left to draw
        refused = weight[:, None] * (drawn - accepted)
        r = _residuals(r, judged)
        if not left:
            return law + refused.sum(1) @ r, p
        weight, r = refused.flatten(), r.repeat_interleave(size, 0)
        judged = judged.repeat_interleave(size, 0)
        rows = torch.arange(len(judged))
        judged[rows, rows % size] = 0  # the mistake: its mass is lost
    raise AssertionError("there is a last sibling")


def _residuals(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """Row by row what ``residual`` is."""
    positive = (p - q).clamp_min(0)
    total = positive.sum(1, keepdim=True)
    return torch.where(total > 0, positive / total.clamp_min(1e-300), p)


def stopped_laws(p: torch.Tensor, q: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """[TOP] the first token of a block of two that is left at its first failure; and the p of it.

    Among the likeliest first tokens, and as if behind each stood the laws behind the drawn one:
    the others would cost a pass each.

    Args:
        p, q: [2, V] the target's and the drafter's laws at the root and behind the first token.
    """
    top = (p[0] + q[0]).topk(min(TOP, p.shape[1])).indices
    first, drafted = (law[0][top].double() / law[0][top].double().sum() for law in (p, q))
    weight = (first / drafted.clamp_min(1e-300)).clamp_max(1)
    mass = (weight[:, None] * p[1].double() - q[1].double()).clamp_min(0).sum(1)
    whole = mass + 1 - weight
    passes = torch.where(whole > 0, mass / whole.clamp_min(1e-300), 1.0)  # h of the paper
    kept = drafted * passes
    return kept + (1 - kept.sum()) * residual(first, drafted), first
