"""The residual where a token is tested: only what stood there, and only where the record tells."""

from collections.abc import Mapping
from typing import NamedTuple

from engine.records import Law, Round
from viz.point_mass import is_taken


class Left(NamedTuple):
    """What siblings refused before a node left of its place's law.

    Attributes:
        shares: of the law, by token.
        mass: of them that is left.
        gone: the refused siblings' ranks, by token.
        rank: the node's.
    """

    shares: Mapping[int, float]
    mass: float
    gone: Mapping[int, int]
    rank: int

    def of(self, token: int) -> float:
        """The share of ``token``; 0 of one that was refused before."""
        is_gone = self.gone.get(token, self.rank) < self.rank
        return 0.0 if is_gone else min(1.0, self.shares.get(token, 0.0) / self.mass)


def residuals(this: Round, has_point_mass: bool = True) -> dict[int, Left]:
    """What was left of p before a node was tested, by node; those of which it is known.

    Of taken tokens it follows from p.  Of drawn ones the record has the last residual only: it
    stands from the last refusal on, and nowhere had a sibling been accepted.  Where that one stood
    behind others, what it was judged by is shown instead (``viz.later_sibling``).

    Args:
        has_point_mass: as for ``is_taken``.
    """
    laws, last, found = {law.node: law for law in this.laws}, this.nodes.path[-1], {}
    for parent, tested in tested_by_parent(this).items():
        if parent not in laws:
            continue
        if is_taken(this, parent, has_point_mass):
            found |= _of_taken(this, laws[parent], tested)
        elif parent == last:
            found |= _of_drawn(this, laws[parent], tested)
    return found


def tested_by_parent(this: Round) -> dict[int, list[int]]:
    """Tested nodes by parent, in the order of their tests."""
    nodes, found = this.nodes, {}
    for node in sorted(range(len(nodes.token)), key=nodes.rank.__getitem__):
        if nodes.verdict[node] in ("accepted", "rejected"):
            found.setdefault(nodes.parent[node], []).append(node)
    return found


def _of_taken(this: Round, law: Law, tested: list[int]) -> dict[int, Left]:
    """p without those refused before, scaled to one; p itself where it has no other token."""
    nodes, shares = this.nodes, dict(zip(law.token, law.target, strict=True))
    mass, gone, found = 1.0, {}, {}
    for node in tested:
        token, rank = nodes.token[node], nodes.rank[node]
        if gone:
            found[node] = Left(shares, *((mass, gone) if mass > 0 else (1.0, {})), rank)
        if nodes.verdict[node] == "rejected" and token not in gone:
            mass, gone[token] = mass - shares.get(token, 0.0), rank
    return found


def _of_drawn(this: Round, law: Law, tested: list[int]) -> dict[int, Left]:
    """The recorded residual, for one that was refused alone."""
    if [this.nodes.verdict[node] for node in tested] != ["rejected"]:
        return {}
    shares = dict(zip(law.token, law.residual, strict=True))
    return {tested[0]: Left(shares, 1.0, {}, this.nodes.rank[tested[0]])}
