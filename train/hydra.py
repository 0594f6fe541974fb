"""Hydra's training (Ankner et al., 2024, arXiv 2402.05109, sections 4.1 and 5).

Head i reads the state at t and the text's tokens t + 1 ... t + 1 + i, and its law for the token
t + 2 + i is drawn towards the target's own (the paper's teacher loss).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.heads.hydra import HydraHeads
from engine.heads.hydra_file import save_hydra
from train.family import Aids, Guess, ScaledLinear, sample_pairs, swap_scaled
from train.inherit import inherit_prefix
from train.regress import begin_with, regress
from train.state_feed import StateBatch
from train.states import LAST


class Hydra:
    """Heads that know the tokens before their own.

    Args:
        num_layers: of each head.
        has_prefix: one more layer of the target's kind under the heads: Hydra++.
    """

    columns, num_ahead, max_ahead, decay = (LAST,), 4, 4, 0.8

    def __init__(self, num_layers: int = 1, has_prefix: bool = False) -> None:
        self.num_layers, self.has_prefix = num_layers, has_prefix

    def new(self, aids: Aids) -> nn.Module:
        """Heads that guess the later state as well as a linear map can.

        Over a prefix layer that begins as the target's last, for Hydra++.
        """
        config = aids.target.config
        heads = HydraHeads(
            config.hidden_size,
            self.num_ahead,
            self.num_layers,
            prefix=config if self.has_prefix else None,
        )
        if heads.prefix is not None:
            inherit_prefix(heads.prefix, aids.target)
        for ahead, blocks in enumerate(heads.hydra_mlp):
            block = blocks[0]
            if aids.sample:
                begin_with(block.res_connection, regress(sample_pairs(aids, ahead)))
            scale = torch.cat([aids.scale, *[aids.word_scale] * (ahead + 1)])
            for name in ("linear", "res_connection"):
                setattr(block, name, ScaledLinear(getattr(block, name), scale))
        return heads

    def guesses(
        self, head: nn.Module, batch: StateBatch, words: Tensor, num: int
    ) -> Iterator[Guess]:
        """Every head from the state and the tokens before its own."""
        rows = batch.ids.shape[1]
        states = batch.states if head.prefix is None else head.prefix(batch.states)
        for ahead in range(num):
            asked = batch.asked(ahead)
            known = [words[:, step : step + rows][asked] for step in range(ahead + 1)]
            read = torch.cat([states[asked], *known], -1)
            yield Guess(ahead, head.guess(ahead, read), asked)

    def draft_ids(self, head: nn.Module) -> Tensor | None:
        """All tokens, unless the head is limited."""
        return head.token_map

    def grown(self, shipped: nn.Module) -> nn.Module:
        """As they are."""
        return shipped

    def limited(self, head: nn.Module, ids: Tensor) -> nn.Module:
        """With a ``token_map`` as Medusa's in vLLM."""
        swap_scaled(head)
        less = HydraHeads(
            head.size,
            head.num_heads,
            head.num_layers,
            prefix=None if head.prefix is None else head.prefix.config,
            draft_vocab=len(ids),
        )
        less.load_state_dict(head.state_dict() | {"token_map": ids})
        return less

    def save(self, head: nn.Module, folder: Path, **told: Any) -> None:
        """Write the published layout."""
        save_hydra(head, folder, **told)
