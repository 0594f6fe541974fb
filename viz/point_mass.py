"""Drafts that were taken, not drawn: a tree judged as point masses, q being 1 for each in turn."""

from engine.records import Law, Round


def law_at(this: Round, node: int) -> Law | None:
    """What was met at ``node``, where the record tells."""
    return next((law for law in this.laws if law.node == node), None)


def is_taken(this: Round, node: int) -> bool:
    """Whether the tokens below ``node`` were taken: a law they were drawn from is soft."""
    law = law_at(this, node)
    return law is not None and 1.0 in law.draft and set(law.draft) <= {0.0, 1.0}


def p_left(this: Round, node: int) -> float | None:
    """p of a taken token once its refused siblings are ruled out: what it was judged by."""
    nodes = this.nodes
    p = nodes.target_prob[node]
    siblings = (i for i, above in enumerate(nodes.parent) if above == nodes.parent[node])
    before = [nodes.target_prob[i] for i in siblings if nodes.rank[i] < nodes.rank[node]]
    if p is None or None in before:
        return None
    rest = 1 - sum(before)
    return min(1.0, p / rest) if rest > 0 else None
