"""A model read at fixed addresses: one pass over a tree that is told by device memory alone."""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from engine.config import MAX_NODES
from engine.context import Context
from engine.device.cache import StaticCache
from engine.device.tree_buffers import TreeBuffers
from engine.records import CacheStep
from engine.taps import keeping


class StaticContext(Context):
    """A context whose slots and states stay where they are.

    Args:
        model: one that attends by trees (``use_tree_attention``).
        cache: empty.
        states: by tap, rows for the states of one pass; missing ones are added.
    """

    cache: StaticCache

    def __init__(
        self,
        model: PreTrainedModel,
        cache: StaticCache,
        states: dict[int, torch.Tensor],
        taps: Sequence[int] = (),
        *,
        keeps_prompt: bool = False,
    ) -> None:
        super().__init__(model, cache.capacity, cache.name, taps, keeps_prompt=keeps_prompt)
        self.cache, self._rows = cache, states
        shape = (MAX_NODES + 1, model.config.get_text_config().hidden_size)
        for tap in self.taps:
            if tap not in states:
                states[tap] = torch.empty(shape, dtype=model.dtype, device=model.device)

    def read(self, tree: TreeBuffers) -> torch.Tensor:
        """Read every node, padding too; logits [size, V].  Nothing is read by the host.

        What it leaves in the slots and in the states is the same however often it is called
        for the same tree.
        """
        mass = {} if self.probe is None else {"mass": self.probe}
        self.cache.rows = tree.length + tree.places
        try:
            outputs = self.model(
                input_ids=tree.tokens[None],
                position_ids=(tree.length + tree.depths)[None],
                attention_mask=tree.unmasked,  # made already: the attention function has the bits
                past_key_values=self.cache,
                use_cache=True,
                tree=tree.slots,
                **keeping(self.taps),
                **mass,
            )
        finally:
            self.cache.rows = None
        for tap in self.taps:
            self._rows[tap][: tree.size].copy_(outputs.hidden_states[tap][0])
        return outputs.logits[0]

    def settle(self, written: int, path: Sequence[int]) -> CacheStep:
        """Note that the device has kept the rows ``path`` of ``written`` ones."""
        self.end_round()
        self._states = {tap: self._rows[tap][:written] for tap in self.taps}
        return self.cache.settle(written, path)
