"""Drafts that were taken, not drawn: a tree judged as point masses, q being 1 for each in turn."""

from engine.records import Law, Round


def law_at(this: Round, node: int) -> Law | None:
    """What was met at ``node``, where the record tells."""
    return next((law for law in this.laws if law.node == node), None)


def is_taken(this: Round, node: int, has_point_mass: bool = True) -> bool:
    """Whether the tokens below ``node`` were taken, so that their q is 1.

    Args:
        has_point_mass: what the run's header says; a law that was drawn from may be a single
            token too, at a low temperature.
    """
    law = law_at(this, node)
    is_single = law is not None and 1.0 in law.draft and set(law.draft) <= {0.0, 1.0}
    return has_point_mass and is_single
