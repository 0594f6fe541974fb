"""The decision about a tested node in words, the numbers that decided foremost."""

from engine.records import Round
from viz.pieces import short, visible
from viz.point_mass import is_taken, law_at, p_left

LETTERS = 11  # of the token: the numbers behind it have to be seen


def decision(this: Round, node: int, is_block: bool = False) -> str:
    """The verdict and why it fell, where the record tells.

    Args:
        is_block: the rule judged whole blocks: no number of one node decided.
    """
    nodes = this.nodes
    name = f"“{visible(this.piece(nodes.token[node]), LETTERS)}” {nodes.verdict[node]}"
    p, u = nodes.target_prob[node], nodes.uniform[node]
    if p is None or u is None:
        return name
    q = _q(this, node)
    side_by_side = f", p {short(p)}, q {short(q)}" if q else f", p {short(p)}"
    against = "" if is_block or not q else _against(this, node, p, q, u)
    return f"{name}: u {short(u)}{against or side_by_side}"


def _against(this: Round, node: int, p: float, q: float, u: float) -> str:
    """What the uniform was held against; nothing where the record does not tell.

    A later sibling that was drawn is judged by the residual of those before it.
    """
    rank = this.nodes.rank[node]
    bound, name = (p / q, "p/q") if rank == 0 else (None, "")
    if is_taken(this, this.nodes.parent[node]):
        bound, name = p_left(this, node), "p left" if rank else "p"
    is_accepted = this.nodes.verdict[node] == "accepted"
    if bound is None or (u < bound) != is_accepted:
        return ""
    return f" {'<' if is_accepted else '≥'} {name} {short(min(bound, 99))}"


def _q(this: Round, node: int) -> float | None:
    """The draft's law of the token, as judged."""
    law = law_at(this, this.nodes.parent[node])
    found = dict(zip(law.token, law.draft, strict=True)) if law else {}
    return found.get(this.nodes.token[node])
