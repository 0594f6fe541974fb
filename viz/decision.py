"""The decision about a tested node in words, the numbers that decided foremost."""

from engine.records import Round
from viz.pieces import short, visible
from viz.point_mass import is_taken, law_at

LETTERS = 14  # of the token, fewer where the numbers behind it need the room
LEAST_LETTERS = 3  # such as “␣a…”
ROOM = 42  # signs of a title: more would be cut, and with them what decided


def decision(this: Round, node: int, is_block: bool = False, has_point_mass: bool = True) -> str:
    """The verdict and why it fell, where the record tells.

    Args:
        is_block: the rule judged whole blocks: a node is kept with a later one that passes.
        has_point_mass: as for ``is_taken``.
    """
    why = _why(this, node, is_block, has_point_mass)
    return named(this.piece(this.nodes.token[node]), f"{this.nodes.verdict[node]}{why}")


def named(piece: str, said: str) -> str:
    """What is said of a token, the token before it as long as there is room."""
    room = ROOM - len(f"“” {said}")
    return f"“{visible(piece, max(LEAST_LETTERS, min(LETTERS, room)))}” {said}"


def _why(this: Round, node: int, is_block: bool, has_point_mass: bool) -> str:
    """The uniform and what it was held against; the numbers alone where that does not fit."""
    nodes = this.nodes
    p, u = nodes.target_prob[node], nodes.uniform[node]
    if p is None or u is None:
        return ""
    q = _q(this, node)
    is_single = is_taken(this, nodes.parent[node], has_point_mass)
    bound, against = _bound(this, node, (p, q), is_block, is_single)
    is_accepted = nodes.verdict[node] == "accepted"
    is_rescued = is_block and is_accepted and bound is not None and u >= bound
    if bound is None or (u < bound) != (is_accepted and not is_rescued):
        return f": u {short(u)}, p {short(p)}" + (f", q {short(q)}" if q else "")
    said = f"1 ≤ {against}" if (bound, against) == (1, "r/q") else f"{against} {short(bound)}"
    rescued = ", with a later one" if is_rescued else ""
    return f": u {short(u)} {'<' if u < bound else '≥'} {said}{rescued}"


def _bound(
    this: Round, node: int, laws: tuple[float, float | None], is_block: bool, is_single: bool
) -> tuple[float | None, str]:
    """What the uniform was held against, and what that is called.

    A later sibling is judged by what the refused ones before it have left: r of p, and q anew.
    """
    (p, q), chance = laws, _accept_prob(this, node)
    is_first = this.nodes.rank[node] == 0
    if is_block:
        return chance, "h"
    if is_single:
        return (p, "p") if is_first else (chance, "p left")
    return (min(p / q, 99) if q else None, "p/q") if is_first else (chance, "r/q")


def _accept_prob(this: Round, node: int) -> float | None:
    column = this.nodes.accept_prob
    return column[node] if column else None


def _q(this: Round, node: int) -> float | None:
    """The draft's law of the token, as judged."""
    law = law_at(this, this.nodes.parent[node])
    token = this.nodes.token[node]
    return law.draft[law.token.index(token)] if law and token in law.token else None
