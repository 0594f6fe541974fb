"""A slot cache whose addresses never change: one tensor over all layers, made once.

A captured pass writes where the device says and returns all slots there are; its attention
learns from device memory how many of them count.  Passes outside of captures read and write
it as they do any slot cache.
"""

from collections.abc import Sequence

import torch

from engine.cache import SlotCache, SlotLayer
from engine.records import CacheStep
from kernels.commit import commit


class StaticLayer(SlotLayer):
    """One layer's view of the slots."""

    cache: "StaticCache"

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: object, **__: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write to ``cache.rows`` and return all slots; as a slot layer where there are none."""
        if self.cache.rows is None:
            return super().update(key_states, value_states)
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        self.keys.index_copy_(2, self.cache.rows, key_states)
        self.values.index_copy_(2, self.cache.rows, value_states)
        return self.keys, self.values


class StaticCache(SlotCache):
    """Slots for as many tokens as a run may need.

    Attributes:
        rows: [N] integers on the device, where the pass that is on writes; ``None`` where the
            host says it, behind the slots in use.
        slots: [L, 2, 1, H, capacity, D] keys and values, once the shape is known.
    """

    layer_type = StaticLayer

    def __init__(self, name: str, num_layers: int, capacity: int) -> None:
        super().__init__(name, num_layers, capacity)
        self.rows: torch.Tensor | None = None
        self.slots: torch.Tensor | None = None

    @property
    def is_told(self) -> bool:
        """Whether the pass that is on writes where the device says, to slots that are there."""
        return self.rows is not None and self.slots is not None

    def allocate(self, key: torch.Tensor, value: torch.Tensor) -> None:
        """Make the one tensor; values must have the keys' shape."""
        if key.shape[1] != value.shape[1] or key.shape[3] != value.shape[3]:
            raise ValueError("keys and values differ in shape: such a model has no static cache")
        shape = (len(self.layers), 2, 1, key.shape[1], self.capacity, key.shape[3])
        self.slots = key.new_zeros(shape)
        self.keys, self.values = self.slots[:, 0], self.slots[:, 1]

    def commit(self, path: Sequence[int]) -> CacheStep:
        """As any slot cache, by one launch of the kernel."""
        step = self._step(self.length - self.committed, path)
        if step.moved:
            told = [*path, len(path), step.before]
            numbers = torch.tensor(told, device=self.slots.device, dtype=torch.int32)
            self.move(numbers[:-2], numbers[-2:-1], numbers[-1:])
        return self._take(step)

    def adopt(self, other: SlotCache) -> None:
        """Take over the committed slots of another cache of the same model."""
        self.truncate(0)
        if other.keys is None:
            return  # nothing was read yet
        kept = other.committed
        for index in range(len(self.layers)):
            keys, values = other.keys[index], other.values[index]
            self.update(keys[:, :, :kept], values[:, :, :kept], index)
        self.truncate(kept)

    def move(self, path: torch.Tensor, count: torch.Tensor, start: torch.Tensor) -> None:
        """Move the kept rows of a round to their places, in all layers; nothing is read here.

        Args:
            path: [P] integers on the device, rows counted from ``start``, ascending.
            count: [1] how many of them count.
            start: [1] slot of the round's first row.
        """
        commit(self.keys[:, 0], self.values[:, 0], path, count, start)

    def settle(self, written: int, path: Sequence[int]) -> CacheStep:
        """Note what a round has done to the slots, whose rows the device has moved already."""
        return self._take(self._step(written, path))

    def _step(self, written: int, path: Sequence[int]) -> CacheStep:
        before = self.committed
        if before + written > self.capacity:
            raise ValueError(
                f"cache {self.name!r} has {self.capacity} slots, not {before + written}"
            )
        return CacheStep(self.name, before, written, tuple(before + row for row in path))

    def _take(self, step: CacheStep) -> CacheStep:
        for layer in self.layers:
            layer.length = step.after
        self.committed = step.after
        return step
