"""Hydra++'s prefix layer in one run: it reads every committed state of the target once."""

import torch
from torch import Tensor

from engine.context import PREFILL_CHUNK, Context
from engine.heads.head_context import lay_out
from engine.heads.prefix_layer import PrefixLayer
from engine.records import CacheStep

NAME = "hydra++"  # of the layer's cache in the record


class PrefixContext(Context):
    """The layer's slot cache; its rows are states, not tokens."""

    model: PrefixLayer

    def read(self, states: Tensor) -> Tensor:
        """Read states [N, H] that follow one another behind the committed ones; [N, H]."""
        num = len(states)
        self._grow(range(-1, num - 1))
        places = [self.committed + depth for depth in self._depths[-num:]]
        positions = torch.tensor([places], device=states.device)
        return self.model(states[None], positions, self._mask(num), self.cache)[0]


class PrefixReader:
    """Reads for one drafter.

    Args:
        layer: of the heads.
        states: [T, H] of the prompt but for its last token; ``None`` where it has but one.
        capacity: slots of the layer's cache.

    Attributes:
        waiting: states that were committed and not read yet.
    """

    def __init__(self, layer: PrefixLayer, states: Tensor | None, capacity: int) -> None:
        self.context = PrefixContext(layer, capacity, NAME)
        lay_out(self.context.cache, layer)
        self.waiting: list[Tensor] = []
        self._latest: Tensor | None = None  # [1, H] what the layer made of the last state
        if states is not None:
            self.waiting.append(states)
            self.read()
        self._before = self.context.committed  # slots when the round began

    def read(self) -> Tensor:
        """Catch up with the committed text; what the layer makes of its newest state, [1, H].

        Rounds that drafted nothing may have left many states: they are read in parts.
        """
        if self.waiting:
            for part in torch.cat(self.waiting).split(PREFILL_CHUNK):
                self._latest = self.context.read(part)[-1:]
                self.context.commit(range(len(part)))
            self.waiting.clear()
        return self._latest

    def commit(self, states: Tensor) -> tuple[CacheStep, ...]:
        """Note states [N, H] that were committed; what happened to the cache in this round."""
        self.waiting.append(states)
        return self.told()

    def told(self) -> tuple[CacheStep, ...]:
        """What happened to the cache since this was asked last, a round ago."""
        before, self._before = self._before, self.context.committed
        written = tuple(range(before, self._before))
        return (CacheStep(NAME, before, len(written), written),) if written else ()
