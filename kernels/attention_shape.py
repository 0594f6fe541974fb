"""What a model attends with: decides which implementation may run, and by which tile."""

from typing import NamedTuple

import torch


class AttentionShape(NamedTuple):
    """Of every layer of one model, and the largest tree that it reads.

    Attributes:
        device: the model's.
        dtype: of its keys and values.
        head_size: of its heads.
        group: query heads for each key head.
        nodes: of the largest tree.
        kv_heads: key heads of a layer.
    """

    device: torch.device
    dtype: torch.dtype
    head_size: int
    group: int
    nodes: int
    kv_heads: int = 1

    def of(self, nodes: int) -> "AttentionShape":
        """The same for trees of so many nodes."""
        return self._replace(nodes=nodes)
