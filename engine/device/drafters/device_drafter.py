"""What every drafter on the device offers beside what all drafters do."""

from typing import Protocol

import torch

from engine.device.drafters.blank import Blank
from engine.device.report import Report
from engine.device.tree_buffers import TreeBuffers
from engine.drafters.drafter import Drafter


class DeviceDrafter(Drafter, Protocol):
    """A drafter that proposes blanks and has them filled.

    Attributes:
        is_drawn: whether tokens are drawn, with a uniform each.
    """

    is_drawn: bool

    def fill(self, proposal: Blank, tree: TreeBuffers) -> torch.Tensor | None:
        """Queue what fills ``tree``, which was sent; returns the laws that were drawn from."""
        ...

    def follow(self, numbers: torch.Tensor, tree: TreeBuffers) -> None:
        """Queue what the drafter does with a round's ``numbers``, the report as packed."""
        ...

    def told(self, report: Report) -> None:
        """Take from the report what ``commit`` needs to know of a blank that was filled."""
        ...
