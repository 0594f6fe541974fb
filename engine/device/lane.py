"""What one run at a time plays its rounds in: slots, buffers, graphs, at addresses that stay.

A graph is worth its capture only if later runs replay it: a lane is lent to a run and comes
back when the run is over.  Runs that go on side by side have a lane each.
"""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from engine.context import Context
from engine.device.cache import StaticCache
from engine.device.drafters.head_buffers import HeadBuffers
from engine.device.graphs import graphs_on
from engine.device.host_copy import HostCopy
from engine.device.tree_buffers import TreePool

ROOM = 1024  # capacities are multiples of it, so that a lane serves runs of other lengths too


class Lane:
    """Memory for one run.

    Args:
        model: one that attends by trees.
        capacity: slots that the run needs at least.
        name: of its cache in the record.

    Attributes:
        cache: of the model, empty.
        tree: buffers by the number of nodes.
        head_buffers: what heads with caches of their own have beside it, by the head.
        law_dtype: of what is made of its logits.
        states: by tap, rows for the target's states of one round.
        seen: [V] bool, tokens of the committed text.
    """

    def __init__(self, model: PreTrainedModel, capacity: int, name: str = "target") -> None:
        config = model.config.get_text_config()
        self._model, self._device, self._vocab = model, model.device, config.vocab_size
        self.law_dtype = torch.float64 if model.dtype == torch.float64 else torch.float32
        self._beside: Lane | None = None
        self.head_buffers: dict[int, HeadBuffers] = {}
        rounded = (capacity + ROOM - 1) // ROOM * ROOM
        self.cache = StaticCache(name, config.num_hidden_layers, rounded)
        self.states: dict[int, torch.Tensor] = {}
        self.seen = torch.zeros(self._vocab, dtype=torch.bool, device=self._device)
        self.graphs = graphs_on(self._device)
        self.tree = TreePool(self._device)
        self._laws: dict[tuple[int, torch.dtype], torch.Tensor] = {}
        self._copies: dict[int, HostCopy] = {}
        self._allocate()

    def begin(self, prompt: Sequence[int]) -> None:
        """Forget the last run."""
        self.cache.truncate(0)
        self.seen.zero_()
        self.seen[torch.tensor(list(prompt), device=self._device)] = True

    def room(self, size: int, dtype: torch.dtype) -> torch.Tensor:
        """[size, V] for the laws that a tree's nodes are drawn from."""
        key = size, dtype
        if key not in self._laws:
            self._laws[key] = torch.zeros(size, self._vocab, dtype=dtype, device=self._device)
        return self._laws[key]

    def beside(self, model: PreTrainedModel, capacity: int) -> "Lane":
        """A lane for a draft model that runs in turn with the target."""
        if self._beside is None or not self._beside.serves(model, capacity):
            self._beside = None  # its memory goes before the new one's is asked for
            self._beside = Lane(model, capacity, "draft")
        return self._beside

    def serves(self, model: PreTrainedModel, capacity: int) -> bool:
        """Whether it is of ``model`` and has as many slots."""
        return self._model is model and self.cache.capacity >= capacity

    @property
    def troubles(self) -> tuple[str, ...]:
        """Why steps in it, or beside it, are called as they are though they were to be captured."""
        beside = () if self._beside is None else self._beside.troubles
        graphs = (self.graphs, *(each.graphs for each in self.head_buffers.values()))
        return (*(each.trouble for each in graphs if each.trouble is not None), *beside)

    def copy(self, numbers: torch.Tensor) -> HostCopy:
        """A copy of ``numbers``, which the device may not have yet, on its way to the host."""
        if len(numbers) not in self._copies:
            self._copies[len(numbers)] = HostCopy(numbers)
        self._copies[len(numbers)].start(numbers)
        return self._copies[len(numbers)]

    @torch.inference_mode()
    def _allocate(self) -> None:
        """The first pass shapes the slots: a want of memory shows now, not in a round."""
        context = Context(self._model, self.cache.capacity, self.cache.name)
        context.cache = self.cache
        context.prefill([0])


def borrow(lanes: list[Lane], model: PreTrainedModel, capacity: int) -> Lane:
    """The one of ``lanes`` that a run before left, which is taken from there, or a new one.

    Raises:
        NoRoomError: memory does not hold a new one.
    """
    try:
        lane = lanes.pop()  # at once: other threads may be at it too
    except IndexError:
        return Lane(model, capacity)
    if lane.serves(model, capacity):
        return lane
    del lane  # its memory goes before the new one's is asked for
    return Lane(model, capacity)
