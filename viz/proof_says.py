"""What a proof has found, in sentences for whoever watches it."""

from collections.abc import Sequence

from engine.proof.results import ALPHA, Equality, Fit, Gap, Subject
from viz.pieces import visible

TITLES = {
    "first": "First token of the round",
    "bonus": "Bonus token behind the kept path",
    "pair": "First two tokens together",
}


def testable(fits: Sequence[Fit]) -> Sequence[Fit]:
    """Those with more than one bin, for one alone fits whatever came; the first if none has."""
    return [fit for fit in fits if fit.freedom] or fits[:1]


def p_words(value: float | None) -> str:
    """A p-value as one reads it."""
    if value is None:
        return "–"
    if value >= 0.01:
        return f"{value:.2f}"
    return f"{value:.0e}".replace("e-0", "e-") if value > 1e-300 else "< 1e-300"


def says_refuted(refuted: Sequence[Fit]) -> str:
    """Which places are refuted."""
    places = " and ".join(TITLES[fit.place].lower() for fit in refuted)
    return f"{places[0].upper()}{places[1:]}: chance alone does not do this."


def says_passed(fits: Sequence[Fit]) -> str:
    """How many verifications the law has withstood, and by which p-values."""
    if all(fit.p_value is None for fit in fits):
        return "The law is a single token here. A higher temperature brings more."
    values = ", ".join(f"p = {p_words(fit.p_value)}" for fit in testable(fits))
    return (
        f"{fits[0].verifications:,} verifications, no difference from the law seen"
        f" ({values}; the test fails below {p_words(ALPHA)})."
    )


def says_drafted(subject: Subject) -> str:
    """Whether the tokens below the root were drawn, taken or made a block."""
    if subject.is_taken:
        return "taken below the root"
    return "drafted as one block" if subject.is_block else "drafted below the root"


def says_subject(subject: Subject) -> str:
    """What every verification draws anew, and which mistake it makes on purpose."""
    if subject.is_taken:
        return (
            "The mistake: every verification takes q's most probable tokens, draws none, and"
            " divides by q all the same."
        )
    if subject.is_block and subject.is_redrawn:
        return "Every verification draws a chain anew, and the text goes on by the target's law."
    if subject.is_block:
        return "The chain is a point mass: every verification judges the same block."
    if subject.drawn:
        return (
            f"The mistake is one among siblings, and this round drafted {len(subject.siblings)}"
            f" below the root: every verification draws {subject.drawn} from its q instead."
        )
    if subject.is_redrawn:
        return "Every verification draws its drafts anew from the round's q."
    if subject.siblings:
        return "The drafts are point masses: every verification tests the same tokens."
    return "Nothing is drafted: every verification draws from p."


def says_texts(found: Equality) -> str:
    """Where two texts part, or how close they came to it."""
    if found.is_equal:
        close = found.closest
        if close is None or close.logits is None:
            return "Every token is the one that plain decoding writes."
        return (
            "Every token is the one that plain decoding writes. The closest call was"
            f" {_gap(close)}."
        )
    if found.same == min(found.tokens, found.plain_tokens):
        return f"One text ends after {found.same} tokens."
    if found.gap is None:
        return f"The first difference is token {found.same + 1}."
    if found.gap.is_tie:
        return f"A tie within rounding, {_gap(found.gap)}: either order of adding up is right."
    return f"The first difference is {_gap(found.gap)}."


def _gap(gap: Gap) -> str:
    """A place of the text, and how close its two best tokens were."""
    first, second = (visible(piece, 20) for piece in gap.piece)
    logits = "far" if gap.logits is None else f"{gap.logits:.2g}"
    return f"token {gap.index + 1}, “{first}” before “{second}” by {logits} in logits"
