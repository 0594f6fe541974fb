"""Rows of a feature head's cache, read where device memory says: one pass over some of them."""

from dataclasses import dataclass

import torch

from engine.device.drafters.head_buffers import HeadBuffers
from engine.device.tree_buffers import TreeBuffers
from engine.heads.head_context import HeadContext


@dataclass(frozen=True, slots=True, eq=False)
class HeadRows:
    """The rows of one round.

    Attributes:
        context: the head's, on the buffers' cache.
        rows: tokens that were not read, then what is drafted below the last of them, whose row
            is ``rows.last``.
    """

    buffers: HeadBuffers
    context: HeadContext
    rows: TreeBuffers

    def read(self, at: torch.Tensor, above: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """[n, H] features behind rows.

        Args:
            at: [n] the rows, ascending; what stands behind the last of them is of an earlier
                round, whose numbers may be none.
            above: [n, size] bool, the rows down to each one.
            features: [n, H] at the places before their tokens.
        """
        rows, cache = self.rows, self.buffers.cache
        words = self.context.attached.embed(rows.tokens.index_select(0, at)[None])
        seen = rows.seen_by(self.context.model, above, cache.capacity, features.dtype, at[-1:] + 1)
        places = (rows.length + rows.depths.index_select(0, at))[None]
        cache.rows = rows.length + at
        try:
            return self.context.model(features[None], words, places, cache=cache, **seen)[0]
        finally:
            cache.rows = None
