"""EAGLE-3's training (Li et al., 2025, arXiv 2503.01840, section 3.2): the training-time test.

The head reads three states of the target, is fed its own states from the second step on, and is
held to nothing but the target's law, over the most frequent tokens alone.
"""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.heads.eagle3 import Eagle3Head
from engine.heads.eagle3_file import save_eagle3
from train.family import Aids, Guess, ScaledLinear, after, swap_scaled
from train.inherit import inherit_eagle3, layer_config_of, own_keys, pass_on
from train.regress import begin_with, regress
from train.state_feed import StateBatch
from train.states import LOWER


class Eagle3:
    """One layer over three fused states.

    Its attention shares no keys and values among heads: the residual stream begins as the
    feature alone, so that whatever a head knows of the word passes through the values, and
    a small target's shared ones are few (192 numbers of SmolLM2-135M's 576).

    Args:
        vocab: tokens of the draft vocabulary; their head is the target's.
    """

    columns, num_ahead, max_ahead, decay = LOWER, 3, 6, 0.8

    def __init__(self, vocab: int = 8192) -> None:
        self.vocab = vocab

    def new(self, aids: Aids) -> nn.Module:
        """A head that goes from feature to feature as a linear map of word and feature can.

        Its feature is the target's last state before the final norm, as the three states tell
        it; the attention, looking at its own row, adds what the next one has more.
        """
        config = layer_config_of(aids.target.config)
        config.num_key_value_heads = config.num_attention_heads
        head = Eagle3Head(config, frozenset({"d2t", "t2d"}), self.vocab)
        head.choose(aids.counts.argsort(descending=True)[: self.vocab].sort().values)
        inherit_eagle3(head, aids.target)
        if aids.sample:
            final = aids.target.model.norm.weight
            now = regress((batch.states[m], last[m] / final) for batch, last, m in _places(aids))
            begin_with(head.fc, now)
            step = regress(_steps(head, aids))
            pass_on(head.layer, step.weight)
        head.fc = ScaledLinear(head.fc, aids.scale)
        return head

    def guesses(
        self, head: nn.Module, batch: StateBatch, words: Tensor, num: int
    ) -> Iterator[Guess]:
        """Step by step, each from the states of the step before."""
        features = head.fuse(batch.states)
        for ahead, found in enumerate(head.unroll(features, words, num)):
            asked = batch.asked(ahead)
            yield Guess(ahead, head.to_head(found[asked]), asked)

    def draft_ids(self, head: nn.Module) -> Tensor | None:
        """The draft vocabulary."""
        return head.draft_ids

    def grown(self, shipped: nn.Module) -> nn.Module:
        """With keys and values of its own for every head of the attention."""
        config = deepcopy(shipped.config)
        config.num_key_value_heads = config.num_attention_heads
        more = Eagle3Head(config, shipped.keys, shipped.draft_vocab)
        attention = shipped.layer.self_attn
        apart = own_keys(attention, config.num_attention_heads)
        names = {f"midlayer.self_attn.{name}.weight": weight for name, weight in apart.items()}
        more.load_state_dict(shipped.state_dict() | names)
        return more

    def limited(self, head: nn.Module, ids: Tensor) -> nn.Module:
        """With another draft vocabulary: its head is the target's in any case."""
        swap_scaled(head)
        less = Eagle3Head(head.config, head.keys, len(ids))
        kept = {name: w for name, w in head.state_dict().items() if name not in ("d2t", "t2d")}
        less.load_state_dict(less.state_dict() | kept)
        less.choose(ids)
        return less

    def save(self, head: nn.Module, folder: Path, **told: Any) -> None:
        """Write the published layout."""
        save_eagle3(head, folder, **told)


def _places(aids: Aids) -> Iterator[tuple[StateBatch, Tensor, Tensor]]:
    """Batches, last states, and the places [B, T] inside rows, the first tokens left out."""
    for batch, last in aids.sample:
        inside = torch.arange(batch.ids.shape[1]) < batch.stop[:, None]
        inside[:, 0] = False
        yield batch, last, inside


def _steps(head: Eagle3Head, aids: Aids) -> Iterator[tuple[Tensor, Tensor]]:
    """What the attention reads at t [N, 2 H], and how much feature t + 1 is more than t [N, H]."""
    final = aids.target.model.norm.weight
    for batch, last in aids.sample:
        asked = batch.asked(0)
        features = head.fuse(batch.states)[asked]
        read, _ = head.inputs(features[None], after(batch.ids, aids.words, 0)[asked][None])
        following = torch.nn.functional.pad(last, (0, 0, 0, 1))[:, 1:][asked] / final
        yield read[0], following - features
