"""Heads beside their target: the words they read and the law they speak, once per bundle.

The target's embedding and head are shared where the file has none of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Attached:
    """Heads, ready to draft for one target.

    Attributes:
        head: the module.
        embed: token ids [...] to words [..., H].
        speak: states [..., H] to logits [..., Vd].
        draft_ids: [Vd] the target's id of every logit; ``None`` where they are the same.
        taps: numbers of the target's hidden states that the heads read.
        vocab_size: V of the target.
    """

    head: nn.Module
    embed: Callable[[Tensor], Tensor]
    speak: Callable[[Tensor], Tensor]
    draft_ids: Tensor | None
    taps: tuple[int, ...]
    vocab_size: int

    def top(self, logits: Tensor, count: int) -> tuple[list[list[int]], list[list[float]]]:
        """Per row of logits [n, Vd] the ``count`` most probable tokens and their probabilities."""
        ids, chances = self.best(logits, count)
        return ids.tolist(), chances.tolist()

    def best(self, logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The same where the logits are, [n, count] each."""
        logits = _as_numbers(logits.float())
        values, rows = logits.topk(min(count, logits.shape[-1]), -1)
        chances = (values - logits.logsumexp(-1, keepdim=True)).exp()
        return rows if self.draft_ids is None else self.draft_ids[rows], chances

    def widen(self, logits: Tensor) -> Tensor:
        """Logits [n, V] over the target's vocabulary; tokens the heads have not are impossible."""
        logits = _as_numbers(logits)
        if self.draft_ids is None:
            return logits
        wide = logits.new_full((len(logits), self.vocab_size), -torch.inf)
        wide[:, self.draft_ids] = logits
        return wide


def _as_numbers(logits: Tensor) -> Tensor:
    """``logits`` with finite ones for what overflowed: any law will do to draft from, but a law."""
    return logits.nan_to_num()
