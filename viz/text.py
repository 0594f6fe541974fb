"""The text a round wrote: every token with its origin, what was rejected struck where it stood."""

from typing import NamedTuple

from engine.records import Round
from viz.phases import tested


class Span(NamedTuple):
    """One token; its text is for ``textContent``, never for markup."""

    text: str
    role: str
    is_struck: bool = False


def text_panel(this: Round) -> dict[str, list[list[str]]]:
    """``text_info`` as it travels."""
    return {"spans": [_packed(span) for span in text_info(this)]}


def text_info(this: Round) -> list[Span]:
    """Emitted tokens in order; before each, the first token that was rejected in its place."""
    struck = _struck(this)
    spans = []
    for place, (text, origin) in enumerate(
        zip(this.emitted.text, this.emitted.origin, strict=True)
    ):
        if place in struck:
            spans.append(Span(struck[place], "rejected", True))
        spans.append(Span(text, origin))
    return spans


def _struck(this: Round) -> dict[int, str]:
    """By place in the round: the first tested of the tokens rejected there."""
    depth, pieces = this.nodes.depth, {}
    for node in tested(this):
        if this.nodes.verdict[node] == "rejected":
            pieces.setdefault(depth[node] - 1, this.piece(this.nodes.token[node]))
    return pieces


def _packed(span: Span) -> list[str]:
    return [span.text, span.role, "struck"] if span.is_struck else [span.text, span.role]
