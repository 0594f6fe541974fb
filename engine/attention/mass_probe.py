"""Asks a verifying pass how much of a layer's attention falls on the tree; knows no models."""

from collections.abc import Sequence

import torch

from engine.attention.tree_mass import TreeMass

DIGITS = 3


class MassProbe:
    """Handed down to every layer of one pass; the layer that it asks fills it.

    Attributes:
        layer: number of the layer.
        share: [N] mean over the heads, on the device; ``None`` before the pass.
    """

    def __init__(self, layer: int) -> None:
        self.layer = layer
        self.share: torch.Tensor | None = None

    def take(self, share: torch.Tensor) -> None:
        """[N, H] of the kernel."""
        self.share = share.float().mean(-1)

    def weigh(
        self, queries: torch.Tensor, keys: torch.Tensor, mask: torch.Tensor | None, scale: float
    ) -> None:
        """Work it out where no kernel told: the layer's scores once more.

        Args:
            queries: [H, N, D], rotated.
            keys: [KV, T, D], the nodes' own the last N.
            mask: [N, T], additive; ``None`` is causal.
        """
        kv_heads, slots, size = keys.shape
        nodes = queries.shape[1]
        score = queries.reshape(kv_heads, -1, size) @ keys.transpose(1, 2) * scale
        score = score.view(-1, nodes, slots)
        if mask is not None:
            score = score + mask
        own = score[..., slots - nodes :]
        if mask is None:
            own.masked_fill_(own.new_ones(nodes, nodes).triu(1).bool(), -torch.inf)
        self.share = score.softmax(-1)[..., slots - nodes :].sum(-1).mean(0)

    def read(self) -> TreeMass | None:
        """The record; waits for the device."""
        return None if self.share is None else mass_of(self.layer, self.share.tolist())


def mass_of(layer: int, shares: Sequence[float]) -> TreeMass:
    """The record of what was read of ``shares`` [N]."""
    return TreeMass(layer, tuple(min(1.0, max(0.0, round(share, DIGITS))) for share in shares))
