"""The target's states of committed tokens that a head has not read yet: copied on the device.

The host knows how many there are; it never looks at them.
"""

import torch

from engine.device.drafters.head_buffers import ROOM, HeadBuffers
from engine.device.drafters.rows import MOST_BEHIND
from engine.device.lane import Lane


class Waiting:
    """Of one run: the first rows of the buffers, and before them what found no room there.

    Args:
        lane: the run's own, with the tapped states of every round.
        buffers: of the head.
        states: [n, S * Ht] that wait when the run begins.

    Attributes:
        count: of the rows in the buffers.
    """

    def __init__(
        self, lane: Lane, buffers: HeadBuffers, states: torch.Tensor | None = None
    ) -> None:
        self.lane, self.buffers, self.count = lane, buffers, 0
        self._early: list[torch.Tensor] = []
        if states is not None:
            self.count = len(states)
            buffers.waiting[: self.count].copy_(states)

    @property
    def is_far(self) -> bool:
        """Whether there are more than a round's own passes should catch up with."""
        return bool(self._early) or self.count > MOST_BEHIND

    def take_early(self) -> torch.Tensor:
        """[n - 1, S * Ht] all but the newest, which alone goes on waiting."""
        states = torch.cat([*self._early, self.buffers.waiting[: self.count]])
        self.buffers.waiting[:1].copy_(states[-1:])
        self._early, self.count = [], 1
        return states[:-1]

    def clear(self) -> None:
        """What reads them is queued."""
        self.count = 0

    def follow(self, path: torch.Tensor) -> None:
        """Queue the states of ``path`` [size], of which the host learns later how many count."""
        size = len(path)
        if self.count + size > ROOM:
            self._early.append(self.buffers.waiting[: self.count].clone())
            self.count = 0
        at = path.long().clamp_min(0)
        states = [self.lane.states[tap].index_select(0, at) for tap in self.buffers.attached.taps]
        self.buffers.waiting[self.count : self.count + size].copy_(torch.cat(states, -1))

    def note(self, count: int) -> None:
        """So many of those that were queued last count."""
        self.count += count
