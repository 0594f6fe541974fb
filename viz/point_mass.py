"""Drafts that were taken, not drawn: a tree judged as point masses, q being 1 for each in turn."""

from engine.records import Law, Round


def law_at(this: Round, node: int) -> Law | None:
    """What was met at ``node``, where the record tells."""
    return next((law for law in this.laws if law.node == node), None)


def is_taken(this: Round, node: int) -> bool:
    """Whether the tokens below ``node`` were taken: a law they were drawn from is soft."""
    law = law_at(this, node)
    return law is not None and 1.0 in law.draft and set(law.draft) <= {0.0, 1.0}
