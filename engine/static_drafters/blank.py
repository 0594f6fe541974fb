"""A proposal whose tokens the device chooses: the host knows its shape, and the rest later."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from engine.drafters.drafter import Drafter, Proposal, root_only
from engine.tree import Shape
from engine.tree_buffers import TreeBuffers


@dataclass(frozen=True, slots=True)
class Blank(Proposal):
    """Tokens and confidences below the root are none yet."""


class DeviceDrafter(Drafter, Protocol):
    """A drafter that proposes blanks and has them filled.

    Attributes:
        last: the node that ended the last round's path, of the target's newest states.
        is_drawn: whether tokens are drawn, with a uniform each.
    """

    last: int
    is_drawn: bool

    def fill(self, proposal: Blank, tree: TreeBuffers) -> torch.Tensor | None:
        """Queue what fills ``tree``, which was sent; returns the laws that were drawn from."""
        ...

    def follow(self, numbers: torch.Tensor, tree: TreeBuffers) -> None:
        """Queue what the drafter does with a round's ``numbers``, the report as packed."""
        ...


def blank(history: Sequence[int], shape: Shape) -> Proposal:
    """A tree of ``shape`` below the history's last token; nothing is blank in a root alone."""
    if len(shape) == 1:
        return root_only(history)
    drafted = len(shape) - 1
    tokens, confidence = (history[-1], *(0,) * drafted), (None, *(0.0,) * drafted)
    return Blank(tokens, shape.parent, shape.rank, confidence)
