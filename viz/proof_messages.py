"""A proof under way as the messages that the page shows: one JSON string a step."""

import json
from collections.abc import Sequence
from typing import Any

from engine.proof.results import ALPHA, Equality, Fit, Subject
from engine.records import Round
from viz import theme
from viz.figure import TEMPLATE
from viz.pieces import digits, visible
from viz.proof import fit_figure, fit_info
from viz.proof_says import (
    TITLES,
    p_words,
    says_drafted,
    says_passed,
    says_refuted,
    says_subject,
    says_texts,
    testable,
)

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
            "says": says_texts(found),
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
            "says": says_subject(subject),
            "path": path,
            "drafted": says_drafted(subject),
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
        "places": [_place(fit, is_over) for fit in testable(fits)],
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


def _verdict(fits: Sequence[Fit], goal: int, is_broken: bool) -> dict[str, Any]:
    """What the counts allow to say; nothing where the proof was stopped or cannot pass."""
    refuted = [fit for fit in fits if fit.is_refuted]
    if refuted:
        return {"holds": False, "value": "not the target's law", "says": says_refuted(refuted)}
    says = says_passed(fits)
    if fits[0].verifications < goal:
        return {"holds": None, "value": STOPPED, "says": f"Too early to tell: {says}"}
    if is_broken:
        more = "The mistake is small in this round; more verifications may show it."
        return {"holds": None, "value": "not refuted", "says": f"{says} {more}"}
    if all(fit.p_value is None for fit in fits):
        return {"holds": None, "value": "nothing to test", "says": says}
    return {"holds": True, "value": "agrees with the target's law", "says": says}


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


def _packed(message: dict[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
