"""What a head with a cache of its own drafts with on the device, at addresses that stay."""

import torch

from engine.device.cache import StaticCache
from engine.device.graphs import graphs_on
from engine.device.tree_buffers import TreePool
from engine.heads.attached import Attached

ROOM = 512  # states that may wait in it


class HeadBuffers:
    """Beside one lane, for one head.

    Attributes:
        cache: of the head's one layer.
        tree: buffers by the number of rows.
        waiting: [ROOM, S * Ht] the target's tapped states that the head has not read.
        latest: [1, S * Ht] what a prefix layer made of the newest state that it has read.
    """

    def __init__(self, attached: Attached, like: torch.Tensor, capacity: int, name: str) -> None:
        self.attached = attached
        self.cache = StaticCache(name, 1, capacity)
        self.graphs = graphs_on(like.device)
        self.waiting = like.new_zeros(ROOM, like.shape[-1])
        self.latest = like.new_zeros(1, like.shape[-1])
        self.tree = TreePool(like.device)
