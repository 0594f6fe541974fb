"""What a head with a cache of its own drafts with on the device, at addresses that stay."""

import torch

from engine.graphs import graphs_on
from engine.heads.attached import Attached
from engine.static_cache import StaticCache
from engine.tree_buffers import SIZES, TreeBuffers, padded_size

ROOM = 512  # states that may wait in it


class Desk:
    """Beside one lane, for one head.

    Attributes:
        cache: of the head's one layer.
        waiting: [ROOM, S * Ht] the target's tapped states that the head has not read.
    """

    def __init__(self, attached: Attached, like: torch.Tensor, capacity: int, name: str) -> None:
        self.attached = attached
        self.cache = StaticCache(name, 1, capacity)
        self.graphs = graphs_on(like.device)
        self.waiting = like.new_zeros(ROOM, like.shape[-1])
        self._trees = {size: TreeBuffers(size, like.device) for size in SIZES}

    def tree(self, rows: int) -> TreeBuffers:
        """The buffers that serve so many rows."""
        size = padded_size(rows)
        if size not in self._trees:
            self._trees[size] = TreeBuffers(size, self.waiting.device)
        return self._trees[size]
