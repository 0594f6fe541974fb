"""A proposal whose tokens the device chooses: the host knows its shape, and the rest later."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.drafters.drafter import Proposal, root_only
from engine.tree import Shape


@dataclass(frozen=True, slots=True)
class Blank(Proposal):
    """Tokens and confidences below the root are none yet; of dynamic trees nor are parents."""


def blank(history: Sequence[int], shape: Shape) -> Proposal:
    """A tree of ``shape`` below the history's last token; nothing is blank in a root alone."""
    if len(shape) == 1:
        return root_only(history)
    drafted = len(shape) - 1
    tokens, confidence = (history[-1], *(0,) * drafted), (None, *(0.0,) * drafted)
    return Blank(tokens, shape.parent, shape.rank, confidence)
