"""A proof under way as the messages that the page shows: one JSON string a step."""

import json
from collections.abc import Sequence
from typing import Any

from engine.proof.results import ALPHA, Equality, Fit, Gap, Subject
from engine.records import Round
from viz import theme
from viz.figure import TEMPLATE
from viz.pieces import digits, visible
from viz.proof import fit_figure, fit_info

TITLES = {
    "first": "First token of the round",
    "bonus": "Bonus token behind the kept path",
    "pair": "First two tokens together",
}
STOPPED = "stopped before a verdict"


def begin_message(kind: str, title: str, rule: str = "", warning: str = "") -> str:
    """What is proven.

    Args:
        kind: "texts" at temperature 0, "laws" above it.
        rule: that judges.
        warning: says that the rule is broken on purpose; empty for the right one.
    """
    look = {"palette": theme.PALETTE, "template": TEMPLATE}
    words = {"title": title, "rule": rule, "warning": warning}
    return _packed({"kind": "begin", "proof": kind, **words, **look})


def tokens_message(side: str, start: int, this: Round) -> str:
    """What a round of the method ("method") or of plain decoding ("plain") wrote.

    Args:
        start: tokens of the side before it.
    """
    emitted = this.emitted
    pieces = [visible(this.piece(token), 40) for token in emitted.token]
    rows = list(zip(emitted.token, pieces, emitted.origin, strict=True))
    return _packed({"kind": "tokens", "side": side, "start": start, "tokens": rows})


def equality_message(found: Equality) -> str:
    """The verdict on two texts."""
    longest = max(found.tokens, found.plain_tokens)
    return _packed(
        {
            "kind": "verdict",
            "holds": None if found.gap and found.gap.is_tie else found.is_equal,
            "value": f"{found.same} of {longest} tokens equal",
            "says": _says_texts(found),
            "difference": None if found.is_equal else found.same,
        }
    )


def subject_message(subject: Subject) -> str:
    """The round that is verified."""
    rows = [
        {
            "piece": visible(sibling.piece, 20),
            "draft": "point mass" if sibling.draft is None else digits(sibling.draft),
            "target": digits(sibling.target),
        }
        for sibling in subject.siblings
    ]
    path = " ".join(visible(piece, 20) for piece in subject.path)
    return _packed(
        {
            "kind": "subject",
            "round": subject.index + 1,
            "context": subject.context,
            "siblings": rows,
            "says": _says_subject(subject),
            "path": path,
            "drafted": _says_drafted(subject),
        }
    )


def fits_message(fits: Sequence[Fit], goal: int, is_over: bool, is_broken: bool = False) -> str:
    """How the counts stand; at the end with the verdict.

    Args:
        goal: verifications that were asked for.
        is_over: these are the last.
        is_broken: the rule is a mistake, so that no refutation is no proof.
    """
    message: dict[str, Any] = {
        "kind": "fits",
        "done": fits[0].verifications,
        "goal": goal,
        "places": [_place(fit, is_over) for fit in _testable(fits)],
    }
    if is_over:
        message["verdict"] = _verdict(fits, goal, is_broken)
    return _packed(message)


def stopped_message(says: str) -> str:
    """Where nothing was counted or compared yet; ``says`` how far it got."""
    return _packed({"kind": "verdict", "holds": None, "value": STOPPED, "says": says})


def over_message() -> str:
    """Nothing more comes of this proof."""
    return _packed({"kind": "over"})


def _testable(fits: Sequence[Fit]) -> Sequence[Fit]:
    """Those with more than one bin, for one alone fits whatever came; the first if none has."""
    return [fit for fit in fits if fit.freedom] or fits[:1]


def _verdict(fits: Sequence[Fit], goal: int, is_broken: bool) -> dict[str, Any]:
    """What the counts allow to say; nothing where the proof was stopped or cannot pass."""
    refuted = [fit for fit in fits if fit.is_refuted]
    if refuted:
        return {"holds": False, "value": "not the target's law", "says": _says_refuted(refuted)}
    says = _says_passed(fits)
    if fits[0].verifications < goal:
        return {"holds": None, "value": STOPPED, "says": f"Too early to tell: {says}"}
    if is_broken:
        more = "The mistake is small in this round; more verifications may show it."
        return {"holds": None, "value": "not refuted", "says": f"{says} {more}"}
    if all(fit.p_value is None for fit in fits):
        return {"holds": None, "value": "nothing to test", "says": says}
    return {"holds": True, "value": "agrees with the target's law", "says": says}


def p_words(value: float | None) -> str:
    """A p-value as one reads it."""
    if value is None:
        return "–"
    if value >= 0.01:
        return f"{value:.2f}"
    return f"{value:.0e}".replace("e-0", "e-") if value > 1e-300 else "< 1e-300"


def _place(fit: Fit, is_over: bool) -> dict[str, Any]:
    """One figure and its numbers; refuted at the end only, for which the test is made."""
    facts = [
        (p_words(fit.p_value), "p-value", _meaning(fit)),
        (f"{fit.statistic:.4g}", "chi-square", f"over {fit.freedom + 1} bins; {_pooled(fit)}"),
        (f"{fit.freedom}", "degrees of freedom", "bins less one"),
        (f"{fit.counted:,}", "counted", f"of {fit.verifications:,} verifications"),
    ]
    return {
        "place": fit.place,
        "title": TITLES[fit.place],
        "refuted": is_over and fit.is_refuted,
        "facts": [dict(zip(("value", "label", "hover"), fact, strict=True)) for fact in facts],
        "figure": fit_figure(fit_info(fit)),
    }


def _meaning(fit: Fit) -> str:
    if fit.p_value is None:
        return "One bin only: there is nothing to test yet"
    chance = "how often chance alone gives a chi-square this large by the target's law"
    return f"{chance}; below {p_words(ALPHA)} the test fails"


def _pooled(fit: Fit) -> str:
    outcomes = "pairs" if fit.place == "pair" else "tokens"
    return (
        f"{fit.pooled_tokens:,} {outcomes} too rare for a bin of their own are one"
        f" ({fit.pooled_observed:,} came out, {fit.pooled_expected:,.1f} expected)"
    )


def _says_refuted(refuted: Sequence[Fit]) -> str:
    places = " and ".join(TITLES[fit.place].lower() for fit in refuted)
    return f"{places[0].upper()}{places[1:]}: chance alone does not do this."


def _says_passed(fits: Sequence[Fit]) -> str:
    if all(fit.p_value is None for fit in fits):
        return "The law is a single token here. A higher temperature brings more."
    values = ", ".join(f"p = {p_words(fit.p_value)}" for fit in _testable(fits))
    return (
        f"{fits[0].verifications:,} verifications, no difference from the law seen"
        f" ({values}; the test fails below {p_words(ALPHA)})."
    )


def _says_drafted(subject: Subject) -> str:
    if subject.is_taken:
        return "taken below the root"
    return "drafted as one block" if subject.is_block else "drafted below the root"


def _says_subject(subject: Subject) -> str:
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


def _says_texts(found: Equality) -> str:
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


def _packed(message: dict[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
