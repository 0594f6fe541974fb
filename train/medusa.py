"""Medusa-1's training (Cai et al., 2024, arXiv 2401.10774, section 2.2.1).

The target stays as it is; head i's law for the token t + 2 + i is drawn towards the target's
own, and counts 0.8^i.  The heads share the target's language head.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from engine.heads.medusa import MedusaHeads, save_medusa
from train.family import Aids, Guess, ScaledLinear, swap_scaled
from train.state_feed import StateBatch
from train.states import LAST


class Medusa:
    """Independent heads.

    Args:
        num_layers: of each head.
    """

    columns, num_ahead, max_ahead, decay = (LAST,), 4, 4, 0.8

    def __init__(self, num_layers: int = 2) -> None:
        self.num_layers = num_layers

    def new(self, aids: Aids) -> nn.Module:
        """Heads that hand the state on."""
        heads = MedusaHeads(aids.target.config.hidden_size, self.num_ahead, self.num_layers)
        for blocks in heads:
            for block in blocks:
                block.linear = ScaledLinear(block.linear, aids.scale)
        return heads

    def guesses(
        self, head: nn.Module, batch: StateBatch, words: Tensor, num: int
    ) -> Iterator[Guess]:
        """Every head from the state alone."""
        for ahead, blocks in zip(range(num), head, strict=False):
            asked = batch.asked(ahead)
            yield Guess(ahead, blocks(batch.states[asked]), asked)

    def draft_ids(self, head: nn.Module) -> Tensor | None:
        """All tokens, unless the head is limited."""
        return head.token_map

    def grown(self, shipped: nn.Module) -> nn.Module:
        """With more layers than they have, which hand on what they read."""
        layers = max(self.num_layers, shipped.num_layers)
        more = MedusaHeads(shipped.size, shipped.num_heads, layers)
        more.load_state_dict(shipped.state_dict(), strict=False)
        return more

    def limited(self, head: nn.Module, ids: Tensor) -> nn.Module:
        """With vLLM's ``token_map``."""
        swap_scaled(head)
        less = MedusaHeads(head.size, head.num_heads, head.num_layers, draft_vocab=len(ids))
        less.load_state_dict(head.state_dict() | {"token_map": ids})
        return less

    def save(self, head: nn.Module, folder: Path, **told: Any) -> None:
        """Write the published layout."""
        save_medusa(head, folder, **told)
