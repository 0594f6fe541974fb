"""Token-by-token equality of two greedy runs, from their records alone."""

from collections.abc import Sequence
from math import log

from engine.common_prefix import common_prefix
from engine.proof.results import Equality, Gap
from engine.records import Round


def compare(rounds: Sequence[Round], plain: Sequence[Round]) -> Equality:
    """How far the text of ``rounds`` is that of ``plain`` decoding, and where that was close.

    A difference that is no mistake has two tokens that the target holds for nearly equally
    good: arithmetic in another order then decides between them.
    """
    ours, theirs = tokens_of(rounds), tokens_of(plain)
    same = common_prefix(ours, theirs)
    gaps = [gap for index, this in enumerate(plain) if (gap := gap_of(this, index)) is not None]
    differs = same < min(len(ours), len(theirs))
    return Equality(
        len(ours),
        len(theirs),
        same,
        next((gap for gap in gaps if gap.index == same), None) if differs else None,
        min((gap for gap in gaps if gap.logits is not None), key=_logits, default=None),
    )


def tokens_of(rounds: Sequence[Round]) -> list[int]:
    """What the rounds emitted."""
    return [token for this in rounds for token in this.emitted.token]


def gap_of(this: Round, index: int) -> Gap | None:
    """What lay between the target's two best tokens in a round of plain decoding."""
    if not this.laws or len(this.laws[0].token) < 2:
        return None
    law = this.laws[0]
    order = sorted(range(len(law.token)), key=lambda i: -law.model[i])[:2]
    high, low = (law.model[i] for i in order)
    first, second = (this.piece(law.token[i]) for i in order)
    return Gap(index, (first, second), log(high / low) if low > 0 else None)


def _logits(gap: Gap) -> float:
    return gap.logits or 0.0
