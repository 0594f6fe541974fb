"""A feature head in one run: it catches up with the target's true features, then reads drafts.

Rows that catch up pair a feature of the *target* with the token behind it, and only they stay
in the cache: what the head predicted of itself is forgotten with the round, also where its
tokens were accepted (methods that keep it drift away from the text).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.context import PREFILL_CHUNK, Context
from engine.heads.attached import Attached
from engine.heads.head_context import HeadContext
from engine.records import CacheStep

NAME = "eagle"  # of the layer's cache in the record


class FeatureReader:
    """Reads for one drafter; ``target`` has read the prompt but for its last token.

    Args:
        attached: the head.
        target: the run's own, which keeps the states that the head taps of the whole prompt.
        prompt: its tokens.
        capacity: slots of the layer's cache.
    """

    def __init__(
        self, attached: Attached, target: Context, prompt: Sequence[int], capacity: int
    ) -> None:
        self.attached, self.target = attached, target
        self.context = HeadContext(attached, capacity, NAME)
        self.waiting = [self._states()] if len(prompt) > 1 else []  # of positions not read yet
        self._caught_up = 0  # rows of this round that pair true features
        self._prefill(prompt)

    @property
    def can_draft(self) -> bool:
        """Whether there is a feature: a text of one token has none."""
        return bool(self.waiting)

    def catch_up(self, history: Sequence[int]) -> Tensor:
        """Read what was committed since the last draft; the feature [1, H] behind the root."""
        tokens = history[self.context.committed + 1 :]
        features, behind = self._take(), None
        for start in range(0, len(tokens), PREFILL_CHUNK):
            part = tokens[start : start + PREFILL_CHUNK]
            rows = range(start - 1, start - 1 + len(part))
            behind = self.context.read(features[start : start + len(part)], part, rows)
        self._caught_up = len(tokens)
        return behind[-1:]

    @property
    def root_row(self) -> int:
        """The row that was read of the root, the last that caught up."""
        return self._caught_up - 1

    def read(
        self, features: Tensor, tokens: Sequence[int], parents: Sequence[int]
    ) -> tuple[Tensor, list[int]]:
        """Read drafted nodes; returns the features [N, H] behind them, and their rows.

        Args:
            features: [N, H] predicted behind the nodes' parents.
            parents: [N] their rows.
        """
        hidden = self.context.read(features, tokens, parents)
        return hidden, list(range(self.context.num_rows - len(tokens), self.context.num_rows))

    def commit(self, path: Sequence[int]) -> tuple[CacheStep, ...]:
        """Keep the rows of true features, and the target's new ones along ``path`` for later."""
        self.waiting.append(self._states()[list(path)])
        caught_up, self._caught_up = self._caught_up, 0
        return (self.context.commit(range(caught_up)),) if caught_up else ()

    def _prefill(self, prompt: Sequence[int]) -> None:
        """Read all but the last pair: that one is read when something is drafted."""
        if not self.waiting:
            return
        features, last = self.attached.head.fuse(self.waiting[0][:-1]), self.waiting[0][-1:]
        for start in range(0, len(features), PREFILL_CHUNK):
            part = features[start : start + PREFILL_CHUNK]
            tokens = prompt[start + 1 : start + 1 + len(part)]
            self.context.read(part, tokens, range(-1, len(part) - 1))
            self.context.commit(range(len(part)))
        self.waiting = [last.clone()]  # not a view: the prompt's states may go

    def _take(self) -> Tensor:
        """Features [n, H] of all positions that were waiting."""
        states, self.waiting = torch.cat(self.waiting), []
        return self.attached.head.fuse(states)

    def _states(self) -> Tensor:
        """The tapped states of the target's newest pass side by side, [N, S * Ht]."""
        return torch.cat([self.target.states(tap) for tap in self.attached.taps], -1)
