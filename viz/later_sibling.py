"""A drawn token that is tested after others below its parent: q anew, and its own share of r.

The refused ones are ruled out of q, and what each left of p is scaled to one: of r the record
tells the one share that decided.
"""

from collections.abc import Sequence
from typing import NamedTuple

from engine.records import Round
from viz.amount import count
from viz.point_mass import is_taken, law_at
from viz.residual import tested_by_parent


class Later(NamedTuple):
    """What a token was judged by that refused siblings stood before.

    Attributes:
        refused: tokens of those siblings.
        left: r of the token; ``None`` where it is no smaller than q, or not recorded.
        is_known: whether the record tells the chance that it was held against.
    """

    refused: frozenset[int]
    left: float | None
    is_known: bool

    def drafts(self, tokens: Sequence[int], draft: Sequence[float]) -> list[float]:
        """The law that the token was drawn from: q without those before it."""
        pairs = list(zip(tokens, draft, strict=True))
        rest = 1 - sum(share for token, share in pairs if token in self.refused)
        if rest <= 0:
            return list(draft)  # it has no other token
        return [0.0 if token in self.refused else min(1.0, share / rest) for token, share in pairs]

    @property
    def note(self) -> str:
        """What the panel's bars are."""
        after = f"after {count(len(self.refused), 'refusal')}"
        if self.left is not None:
            return f"q and r {after}"
        return f"q {after}" + (", r no smaller" if self.is_known else "")


def later_siblings(this: Round, has_point_mass: bool = True) -> dict[int, Later]:
    """By node; those alone that were drawn and stood behind a refused one."""
    found: dict[int, Later] = {}
    for parent, tested in tested_by_parent(this).items():
        law = law_at(this, parent)
        if law is None or is_taken(this, parent, has_point_mass):
            continue
        gone: set[int] = set()
        for node in tested:
            if gone:
                found[node] = _later(this, node, frozenset(gone), law.token, law.draft)
            if this.nodes.verdict[node] == "rejected":
                gone.add(this.nodes.token[node])
    return found


def _later(
    this: Round, node: int, gone: frozenset[int], tokens: Sequence[int], draft: Sequence[float]
) -> Later:
    column, token = this.nodes.accept_prob, this.nodes.token[node]
    chance = column[node] if column else None
    share = dict(zip(tokens, Later(gone, None, False).drafts(tokens, draft), strict=True))
    if chance is None or chance >= 1 or token not in share:
        return Later(gone, None, chance is not None)
    return Later(gone, chance * share[token], True)
