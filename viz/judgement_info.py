"""What the rule met in a round: the laws at each judged place, and the words; draws nothing."""

from collections.abc import Sequence
from typing import NamedTuple

from engine.records import Law, Round
from engine.tree import is_chain
from viz.decision import decision, named
from viz.later_sibling import Later, later_siblings
from viz.point_mass import is_taken
from viz.residual import Left, residuals

DRAWN = {"recovered": "the residual", "bonus": "p, as a bonus", "sampled": "p"}


class Judged(NamedTuple):
    """One place of the judged path: the entries of the laws met there, by p."""

    token: list[int]
    piece: list[str]
    target: list[float]
    draft: list[float]
    residual: list[float]  # what stood at the end, had no token below been accepted
    tested: list[int]  # tokens: they come before likelier ones
    kind: str = "drawn"  # a key of ``NOTES``: how the tokens below were drafted
    order: Sequence[int] = ()  # of the entries: the tested first, of equals the likeliest


class JudgementInfo(NamedTuple):
    """What was judged in a round: per tested node its place and its words."""

    places: dict[int, Judged]  # by the node whose children are tested there
    words: dict[int, str]  # by tested node
    parent: dict[int, int]
    token: dict[int, int]
    left: dict[int, Left]  # by tested node: what was left of p then, where it is known
    later: dict[int, Later]  # by tested node, of drawn tokens behind refused siblings
    last: str  # the words for the token that was not drafted
    last_token: int  # itself; -1 where there is none


def judgement_info(
    this: Round, is_block: bool = False, has_point_mass: bool = True
) -> JudgementInfo:
    """What the rule met in ``this`` round.

    Args:
        is_block: the run's rule judges whole blocks; a tree that branches is none.
        has_point_mass: as for ``is_taken``.
    """
    nodes = this.nodes
    is_block = is_block and is_chain(nodes.parent) and not this.apart
    found = [i for i, v in enumerate(nodes.verdict) if v in ("accepted", "rejected")]
    must: dict[int, list[int]] = {}
    for node in found:
        must.setdefault(nodes.parent[node], []).append(nodes.token[node])
    return JudgementInfo(
        {
            law.node: _judged(
                this, law, must.get(law.node, []), _kind(this, law.node, is_block, has_point_mass)
            )
            for law in this.laws
        },
        {node: decision(this, node, is_block, has_point_mass) for node in found},
        {node: nodes.parent[node] for node in found},
        {node: nodes.token[node] for node in found},
        residuals(this, has_point_mass),
        later_siblings(this, has_point_mass),
        *_drawn(this),
    )


def _drawn(this: Round) -> tuple[str, int]:
    """What the emitted token was drawn from that was not drafted, and that token."""
    origin = this.emitted.origin[-1] if this.emitted.origin else "accepted"
    if origin not in DRAWN:
        return "", -1
    token = this.emitted.token[-1]
    return named(this.piece(token), f"drawn from {DRAWN[origin]}"), token


def _judged(this: Round, law: Law, tested: list[int], kind: str) -> Judged:
    order = sorted(range(len(law.token)), key=law.target.__getitem__, reverse=True)
    pieces = [this.piece(law.token[i]) for i in order]
    columns = [[column[i] for i in order] for column in (law.target, law.draft, law.residual)]
    tokens, known = [law.token[i] for i in order], set(tested)
    most = [max(shares) for shares in zip(*columns, strict=True)]
    seen = sorted(range(len(order)), key=lambda i: (tokens[i] in known, most[i]), reverse=True)
    return Judged(tokens, pieces, *columns, tested, kind, seen)


def _kind(this: Round, node: int, is_block: bool, has_point_mass: bool) -> str:
    if node not in this.nodes.parent:
        return "nothing"
    if is_taken(this, node, has_point_mass):
        return "taken"
    return "block" if is_block else "drawn"
