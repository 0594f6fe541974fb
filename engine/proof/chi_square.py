"""Pearson's chi-square test of counts against a law, rare tokens pooled."""

from collections.abc import Callable, Mapping

import torch

from engine.proof.results import Fit, Place

LEAST = 5.0  # expected count of a bin of its own (Cochran, 1954)
NOTHING = 1e-6  # of expected counts: what fp64 sums may be off by


def survival(statistic: float, freedom: int) -> float:
    """P(X >= statistic) of a chi-square variable with so many degrees of freedom, in float64."""
    halves = torch.tensor([freedom / 2, statistic / 2], dtype=torch.float64)
    return float(torch.special.gammaincc(*halves))


def fit(
    place: Place,
    law: torch.Tensor,
    counts: Mapping[int, int],
    verifications: int,
    piece: Callable[[int], str],
    unlisted: int = 0,
) -> Fit:
    """Compare ``counts`` of tokens with ``law``.

    Args:
        law: [V] the target's; normalised here (fp32 sums to one only nearly) where it is whole.
        counts: how often each token came out; the others never did.
        verifications: made so far, those without a token at this place included.
        piece: a token's text.
        unlisted: outcomes besides those of ``law`` and ``counts``; every verification has one.
    """
    counted = verifications if unlisted else sum(counts.values())
    mass = 1.0 if unlisted else law.double().sum()
    expected = law.double() / mass * counted  # [V]
    own, pooled, rest = _pool(expected, counts, counted)
    shares = expected[own].tolist()
    observed = [counts.get(token, 0) for token in own]
    statistic = sum((o - e) ** 2 / e for o, e in zip(observed, shares, strict=True))
    has_rest = rest > NOTHING or pooled > 0
    statistic += (pooled - rest) ** 2 / max(rest, NOTHING) if has_rest else 0.0
    freedom = max(0, len(own) + has_rest - 1)
    return Fit(
        place=place,
        verifications=verifications,
        counted=counted,
        token=tuple(own),
        piece=tuple(map(piece, own)),
        observed=tuple(observed),
        expected=tuple(shares),
        pooled_tokens=len(law) + unlisted - len(own),
        pooled_observed=pooled,
        pooled_expected=rest,
        statistic=statistic,
        freedom=freedom,
        p_value=survival(statistic, freedom) if freedom else None,
    )


def _pool(
    expected: torch.Tensor, counts: Mapping[int, int], counted: int
) -> tuple[list[int], int, float]:
    """Tokens with a bin of their own, the most expected first; the count and expectation left."""
    size = int((expected >= LEAST).sum())
    own = expected.topk(size).indices.tolist() if size else []
    pooled = counted - sum(counts.get(token, 0) for token in own)
    rest = max(0.0, counted - float(expected[own].sum()))
    while own and NOTHING < rest < LEAST:  # too rare even together: the rarest bin joins
        token = own.pop()
        pooled += counts.get(token, 0)
        rest += float(expected[token])
    return own, pooled, rest
