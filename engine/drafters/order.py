"""What a run hands to whoever builds its drafter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from engine.bundle import Bundle
from engine.config import DecodeConfig
from engine.context import Context
from engine.heads.find import Heads
from engine.sampling import Sampler


@dataclass(frozen=True, slots=True)
class Order:
    """What a drafter is built from.

    Attributes:
        prompt: its tokens.
        capacity: slots a cache of this run needs.
        is_cancelled: asked while a prompt is read a second time.
        target: has read the prompt but for its last token, and holds the states of it that the
            method taps.
    """

    bundle: Bundle
    config: DecodeConfig
    sampler: Sampler
    rng: torch.Generator
    prompt: Sequence[int]
    capacity: int
    target: Context
    is_cancelled: Callable[[], bool] = lambda: False

    @property
    def heads(self) -> Heads:
        """Those that the settings' method drafts with.

        Raises:
            KeyError: it drafts with none.
        """
        return self.bundle.heads[self.config.method]
