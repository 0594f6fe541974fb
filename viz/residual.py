"""The residual where a token is tested: only what stood there, and only where the record tells."""

from engine.records import Law, Round
from viz.point_mass import is_taken, law_at


def residual_at(this: Round, node: int, has_point_mass: bool = True) -> dict[int, float]:
    """What siblings refused before ``node`` left of p, by token; empty where nothing is known.

    Of taken tokens it follows from p.  Of drawn ones the record has the last residual only: it
    stands from the last refusal on, and nowhere had a sibling been accepted.

    Args:
        has_point_mass: as for ``is_taken``.
    """
    parent = this.nodes.parent[node]
    law = law_at(this, parent)
    if law is None:
        return {}
    if is_taken(this, parent, has_point_mass):
        return _left(law, _refused_before(this, node))
    return dict(zip(law.token, law.residual, strict=True)) if _is_last(this, node) else {}


def _left(law: Law, refused: set[int]) -> dict[int, float]:
    """p without ``refused``, scaled to one; p itself where it has no other token."""
    entries = dict(zip(law.token, law.target, strict=True))
    if not refused:
        return {}
    mass = 1 - sum(entries.get(token, 0.0) for token in refused)
    if mass <= 0:
        return entries
    return {t: 0.0 if t in refused else min(1.0, p / mass) for t, p in entries.items()}


def _refused_before(this: Round, node: int) -> set[int]:
    """The tokens of the siblings that were tested before ``node``."""
    nodes = this.nodes
    before = (i for i in _refused(this, nodes.parent[node]) if nodes.rank[i] < nodes.rank[node])
    return {nodes.token[i] for i in before}


def _is_last(this: Round, node: int) -> bool:
    """Whether ``node`` was refused, and nothing was tested after it."""
    nodes = this.nodes
    refused = _refused(this, nodes.path[-1])
    return node in refused and nodes.rank[node] == max(nodes.rank[i] for i in refused)


def _refused(this: Round, parent: int) -> list[int]:
    nodes = this.nodes
    below = (i for i, above in enumerate(nodes.parent) if above == parent)
    return [i for i in below if nodes.verdict[i] == "rejected"]
