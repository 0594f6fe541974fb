"""EAGLE's training (Li et al., 2024, arXiv 2401.15077, section 3.2), on its own features.

As in HASS (arXiv 2408.15766) the head is fed its own predictions from the start: a first trial
that saw true features alone met the target's token at 57 % of places and broke off at the
second drafted token.  Distance of laws plus distance of features, which are scaled first.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.heads.eagle import EagleHead
from engine.heads.eagle_file import save_eagle
from train.family import Aids, Guess, ScaledLinear, sample_pairs, swap_scaled
from train.inherit import inherit_eagle, layer_config_of
from train.regress import begin_with, regress
from train.state_feed import StateBatch
from train.states import LAST


class Eagle:
    """One layer that goes from feature to feature.

    Args:
        weight: of the features' distance.
    """

    columns, num_ahead, max_ahead, decay = (LAST,), 3, 5, 0.8

    def __init__(self, weight: float = 0.5) -> None:
        self.weight = weight

    def new(self, aids: Aids) -> nn.Module:
        """A head that begins as the target's last layer behind the best linear guess."""
        head = EagleHead(layer_config_of(aids.target.config))
        inherit_eagle(head, aids.target)
        if aids.sample:
            best = regress(sample_pairs(aids, 0))
            word_first = best.weight.roll(head.config.hidden_size, 1)
            begin_with(head.fc, best._replace(weight=word_first))
        head.fc = ScaledLinear(head.fc, torch.cat([aids.word_scale, aids.scale]))
        return head

    def guesses(
        self, head: nn.Module, batch: StateBatch, words: Tensor, num: int
    ) -> Iterator[Guess]:
        """Step by step, each from the features of the step before."""
        features, rows = batch.states, batch.ids.shape[1]
        scale = head.fc.scale[-features.shape[-1] :] if isinstance(head.fc, ScaledLinear) else 1.0
        wanted = F.pad(features, (0, 0, 0, num)) * scale
        for ahead, found in enumerate(head.unroll(features, words, num)):
            asked = batch.asked(ahead)
            true = wanted[:, 1 + ahead : 1 + ahead + rows][asked]
            off = F.smooth_l1_loss(found[asked] * scale, true)
            yield Guess(ahead, found[asked], asked, self.weight * off)

    def draft_ids(self, head: nn.Module) -> Tensor | None:
        """All tokens, unless the head is limited."""
        return head.draft_ids

    def grown(self, shipped: nn.Module) -> nn.Module:
        """As they are."""
        return shipped

    def limited(self, head: nn.Module, ids: Tensor) -> nn.Module:
        """With vLLM's ``token_map``."""
        swap_scaled(head)
        less = EagleHead(head.config, head.keys | {"token_map"}, len(ids))
        less.load_state_dict(head.state_dict() | {"token_map": ids})
        return less

    def save(self, head: nn.Module, folder: Path, **told: Any) -> None:
        """Write the published layout."""
        save_eagle(head, folder, **told)
