"""The KV cache as slots: append, commit a path, truncate.  A ``transformers`` ``Cache``.

Keys are stored rotated, at the position given by a node's depth.  A kept node's depth is
also its place in the committed text, so that moving its row is all a commit has to do.
"""

from collections.abc import Sequence
from weakref import proxy

import torch
from transformers.cache_utils import Cache, CacheLayerMixin

from engine.no_room import cache_fits
from engine.records import CacheStep


class SlotLayer(CacheLayerMixin):
    """One layer's view of the slots; ``keys`` and ``values`` are [1, H, capacity, D]."""

    is_sliding = False

    def __init__(self, cache: "SlotCache", index: int) -> None:
        super().__init__()
        self.cache: SlotCache = proxy(cache)  # a circle would keep the slots until a collection
        self.index, self.length = index, 0

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Take this layer's part of the storage."""
        self.keys, self.values = self.cache.storage(self.index, key_states, value_states)
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: object, **__: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the next slots in place; return views of all slots in use."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start, end = self.length, self.length + key_states.shape[-2]
        if end > self.cache.capacity:
            raise ValueError(
                f"cache {self.cache.name!r} has {self.cache.capacity} slots, not {end}"
            )
        self.keys[:, :, start:end] = key_states
        self.values[:, :, start:end] = value_states
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """(keys seen by a pass of ``query_length`` tokens, offset of the first)."""
        return self.length + query_length, 0

    def get_seq_length(self) -> int:
        """Slots in use."""
        return self.length

    def get_max_length(self) -> int:
        """Slots there are."""
        return self.cache.capacity


class SlotCache(Cache):
    """All layers' slots in one tensor of keys and one of values, so that a commit is one copy.

    Slots ``[0, committed)`` hold the text but for its last token; those behind it, up to
    ``length``, hold the nodes of the round that is on.
    """

    layer_type = SlotLayer

    def __init__(self, name: str, num_layers: int, capacity: int) -> None:
        super().__init__(layers=[self.layer_type(self, index) for index in range(num_layers)])
        self.name, self.capacity, self.committed = name, capacity, 0
        self.keys: torch.Tensor | None = None  # [L, 1, H, capacity, D]
        self.values: torch.Tensor | None = None

    @property
    def length(self) -> int:
        """Slots in use, those of the round that is on included."""
        return self.layers[0].length

    @property
    def slot_bytes(self) -> int:
        """Memory of one slot over all layers."""
        stores = [store for store in (self.keys, self.values) if store is not None]
        return sum(store.nbytes // self.capacity for store in stores)

    def storage(
        self, index: int, key: torch.Tensor, value: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Layer ``index``'s part; the first layer to ask fixes every layer's shape.

        Raises:
            NoRoomError: memory does not hold all slots.
        """
        if self.keys is None:
            row = sum(
                states.shape[1] * states.shape[3] * states.itemsize for states in (key, value)
            )
            with cache_fits(self.name, self.capacity, len(self.layers) * row, key):
                self.allocate(key, value)
        if key.shape[1] != self.keys.shape[2] or key.shape[3] != self.keys.shape[4]:
            raise ValueError("the layers' keys differ in shape: such a model is not supported")
        return self.keys[index], self.values[index]

    def allocate(self, key: torch.Tensor, value: torch.Tensor) -> None:
        """Make the stores for layers whose rows are shaped as these, [1, H, N, D]."""
        self.keys, self.values = (
            states.new_zeros(len(self.layers), 1, states.shape[1], self.capacity, states.shape[3])
            for states in (key, value)
        )

    def commit(self, path: Sequence[int]) -> CacheStep:
        """Keep the round's rows named by ``path`` (counted from 0, ascending), free the rest.

        Args:
            path: rows written since the last commit, in the order they are to stand.
        """
        before, written = self.committed, self.length - self.committed
        step = CacheStep(self.name, before, written, tuple(before + row for row in path))
        if step.moved:
            first = step.moved[0][1]  # rows before it stay where they are
            sources = list(step.kept[first - before :])
            for store in (self.keys, self.values):
                # indexing with a list copies, so that overlap is safe
                store[:, :, :, first : step.after] = store[:, :, :, sources]
        self.truncate(step.after)
        return step

    def truncate(self, length: int) -> None:
        """Free every slot from ``length`` on and commit the rest."""
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot cut a cache of {self.length} slots to {length}")
        for layer in self.layers:
            layer.length = length
        self.committed = length
