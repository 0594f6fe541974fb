"""Hydra++'s prefix layer on the device: the states that wait, one pass, then the heads' guesses."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from engine.device.drafters.blank import Blank
from engine.device.drafters.guessing import Guesser
from engine.device.drafters.head_buffers import HeadBuffers
from engine.device.drafters.waiting import Waiting
from engine.device.lane import Lane
from engine.device.report_layout import path_of
from engine.device.tree_buffers import TreeBuffers
from engine.drafters.hydra import Hydra
from engine.heads.prefix_reader import PrefixContext
from engine.records import CacheStep
from kernels.ancestors import unpack_ancestors


@dataclass(frozen=True, slots=True, eq=False)
class PrefixStep:
    """Reads a chain of states into the layer's slots.

    Attributes:
        context: the layer's, on the buffers' cache.
        rows: one a state, the newest ``rows.last``; the states are the buffers' first that wait.
    """

    buffers: HeadBuffers
    context: PrefixContext
    rows: TreeBuffers

    def __call__(self) -> torch.Tensor:
        """Write what the layer makes of the newest state; returns it."""
        rows, cache = self.rows, self.buffers.cache
        states = self.buffers.waiting[: rows.size]
        places = (rows.length + rows.depths)[None]
        cache.rows = rows.length + rows.places
        try:
            above = unpack_ancestors(rows.bits)
            seen = rows.seen_by(self.context.model, above, cache.capacity, states.dtype)
            read = self.context.model(states[None], places, cache=cache, **seen)[0]
        finally:
            cache.rows = None
        return self.buffers.latest.copy_(read.index_select(0, rows.last))


class PrefixGuesser(Guesser):
    """The heads and the prefix layer of one run.

    Args:
        drafter: as a guesser's; its layer's cache is taken over.
        buffers: the layer's, beside the lane.
    """

    def __init__(self, drafter: Hydra, lane: Lane, buffers: HeadBuffers) -> None:
        super().__init__(drafter, lane)
        self.buffers, self.reader, self.context = buffers, drafter.reader, drafter.reader.context
        self._waiting = Waiting(lane, buffers)
        if self._can_draft:
            buffers.latest.copy_(self.reader.read())
        buffers.cache.adopt(self.context.cache)
        self.context.cache = buffers.cache
        self._read = 0  # rows of this round's step

    def fill(self, proposal: Blank, tree: TreeBuffers) -> torch.Tensor | None:
        """Queue the layer's step where a state waits, and the heads'."""
        if self._waiting.is_far:
            self.reader.waiting.append(self._waiting.take_early())
            self.reader.read()
        self._read = self._waiting.count
        if self._read:
            rows = self._rows(self._read)
            self.buffers.graphs.run(rows.size, PrefixStep(self.buffers, self.context, rows))
            self._waiting.clear()
        return super().fill(proposal, tree)

    def follow(self, numbers: torch.Tensor, tree: TreeBuffers) -> None:
        """Queue the states of the path behind those that wait."""
        self._waiting.follow(path_of(numbers, tree.size))

    def commit(self, path: Sequence[int]) -> tuple[CacheStep, ...]:
        """Note the states of the path, and what was read in this round."""
        self._can_draft = True
        self._waiting.note(len(path))
        if self._read:
            self.buffers.cache.settle(self._read, range(self._read))
            self._read = 0
        return self.reader.told()

    def _read_from(self, tree: TreeBuffers) -> tuple[torch.Tensor, torch.Tensor]:
        """What the layer has made of the newest state."""
        return self.buffers.latest, tree.places[:1]

    def _rows(self, count: int) -> TreeBuffers:
        """A chain of ``count`` rows behind the layer's slots, sent."""
        rows = self.buffers.tree(count)
        chain = range(-1, count - 1)
        rows.fill([0] * count, chain, self.buffers.cache.length, [0], count - 1)
        rows.send()
        return rows
