"""Token-by-token equality of two greedy runs, from their records alone."""

from collections.abc import Sequence
from math import log

from engine.common_prefix import common_prefix
from engine.proof.results import Equality, Gap
from engine.records import Round


def compare(rounds: Sequence[Round], plain: Sequence[Round]) -> Equality:
    """How far the text of ``rounds`` is that of ``plain`` decoding, and where that was close.

    A difference that is no mistake has two tokens, plain decoding's and the one in its place,
    that the target holds for nearly equally good: arithmetic in another order then decides.
    """
    ours, theirs = tokens_of(rounds), tokens_of(plain)
    same = common_prefix(ours, theirs)
    gaps = [gap for index, this in enumerate(plain) if (gap := gap_of(this, index)) is not None]
    gap = None
    if same < min(len(ours), len(theirs), len(plain)):
        texts = [text for this in rounds for text in this.emitted.text]
        gap = gap_of(plain[same], same, (ours[same], texts[same]))
    return Equality(
        len(ours),
        len(theirs),
        same,
        gap,
        min((gap for gap in gaps if gap.logits is not None), key=_logits, default=None),
    )


def tokens_of(rounds: Sequence[Round]) -> list[int]:
    """What the rounds emitted."""
    return [token for this in rounds for token in this.emitted.token]


def gap_of(this: Round, index: int, other: tuple[int, str] | None = None) -> Gap | None:
    """What lay between the token of a round of plain decoding and another.

    Args:
        index: of the token in the text.
        other: the token that stands in its place and its text; the second best unless given.

    Returns:
        ``None`` where the record does not tell: it holds the target's law before a repetition
        penalty, which may have decided.
    """
    law = dict(zip(this.laws[0].token, this.laws[0].model, strict=True)) if this.laws else {}
    written = this.emitted.token[0]
    if len(law) < 2 or law.get(written, 0.0) < max(law.values()):
        return None
    if other is None:
        second = max((token for token in law if token != written), key=law.__getitem__)
        other = second, this.piece(second)
    low = law.get(other[0], 0.0)
    pieces = this.piece(written), other[1]
    return Gap(index, pieces, log(law[written] / low) if low > 0 else None)


def _logits(gap: Gap) -> float:
    return gap.logits or 0.0
