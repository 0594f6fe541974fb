"""A feature head and its slot cache: what it has read, and what it is reading in this round."""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.cache import SlotCache
from engine.context import Context
from engine.heads.attached import Attached
from engine.heads.feature_head import FeatureHead
from engine.heads.prefix_layer import PrefixLayer


def lay_out(cache: SlotCache, layer: FeatureHead | PrefixLayer) -> None:
    """Give ``cache`` its memory before ``layer`` reads: the header tells a slot's bytes."""
    config = layer.config
    shape = (1, config.num_key_value_heads, 0, config.head_dim)
    row = torch.empty(shape, dtype=layer.dtype, device=layer.device)
    cache.storage(0, row, row)


class HeadContext(Context):
    """Slot t holds the pair of the feature at t and the token at t + 1."""

    def __init__(self, attached: Attached, capacity: int, name: str) -> None:
        super().__init__(attached.head, capacity, name)
        self.attached = attached
        lay_out(self.cache, attached.head)

    @property
    def num_rows(self) -> int:
        """Rows read since the last commit."""
        return len(self._depths)

    def read(self, features: Tensor, tokens: Sequence[int], parents: Sequence[int]) -> Tensor:
        """Read one row per token; returns the predicted features [N, H].

        Args:
            features: [N, H] at the places before the tokens.
            parents: [N] rows of this round, -1 for a row that follows the committed ones.
        """
        self._grow(parents)
        num, device = len(tokens), self.model.device
        places = [[self.committed + depth for depth in self._depths[-num:]]]
        positions = torch.tensor(places, device=device)
        words = self.attached.embed(torch.tensor([list(tokens)], device=device))
        return self.model(features[None], words, positions, self._mask(num), self.cache)[0]

    def logits(self, features: Tensor) -> Tensor:
        """Logits [N, Vd] of what comes two tokens after each of ``features`` [N, H]."""
        return self.attached.lm_head(self.model.to_head(features))
