"""A model and its slot cache: what it has read, and what it is reading in this round.

Target and draft model are both read through it; it knows nothing of drafting or judging.
"""

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from engine.attention.mass_probe import MassProbe
from engine.attention.tree_attention import TreeSlots, attends_by_trees
from engine.cache import SlotCache
from engine.cut_short import StoppedError
from engine.positions import longest_context
from engine.records import CacheStep
from engine.taps import keeping
from kernels.tiles import MAX_ROWS

PREFILL_CHUNK = 512  # tokens of one prefill pass: bounds the mask and the activations


class Context:
    """Reads tokens into slots; rows read since the last commit are the round's nodes.

    Args:
        model: any causal language model with full attention.
        capacity: slots, those of one round's nodes included.
        name: of the cache in the record.
        taps: hidden states to keep of every pass, numbered as transformers' ``hidden_states``:
            0 are the embeddings, the number of layers is what comes after the final norm.
        keeps_prompt: keep those of every prefilled token, not of the last alone.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        capacity: int,
        name: str,
        taps: Sequence[int] = (),
        *,
        keeps_prompt: bool = False,
    ) -> None:
        self.model, self.taps, self.keeps_prompt = model, tuple(taps), keeps_prompt
        self._states: dict[int, torch.Tensor] = {}
        self.probe: MassProbe | None = None  # asked by every pass over more than one node
        self.cache = SlotCache(name, model.config.get_text_config().num_hidden_layers, capacity)
        self._can_keep = "logits_to_keep" in signature(model.forward).parameters
        self._depths: list[int] = []  # of the round's rows; 0 hangs below the committed text
        self._seen = np.zeros((0, 0), dtype=bool)  # [rows, rows] ancestors among them

    @property
    def committed(self) -> int:
        """Tokens whose keys and values are cached for good."""
        return self.cache.committed

    @property
    def length_limit(self) -> int:
        """Tokens that the model reads at the most."""
        return longest_context(self.model.config.get_text_config())

    def states(self, tap: int) -> torch.Tensor | None:
        """[N, H] hidden states of the rows of the newest pass, the round's nodes for a target.

        After ``prefill`` and before the first pass: of the prefilled tokens (of the last one
        unless the context ``keeps_prompt``).  ``None`` where nothing was read.
        """
        return self._states.get(tap)

    def prefill(
        self, tokens: Sequence[int], is_cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        """Read and commit ``tokens`` in passes of ``PREFILL_CHUNK``; no logits are made.

        Raises:
            StoppedError: ``is_cancelled``, which is asked before every pass, said so.
        """
        if not tokens:
            self._lay_out()
        parts: list[dict[int, torch.Tensor]] = []
        for start in range(0, len(tokens), PREFILL_CHUNK):
            if is_cancelled():
                raise StoppedError(f"after {start:,} of {len(tokens):,} tokens of the prompt")
            part = tokens[start : start + PREFILL_CHUNK]
            self._grow(range(-1, len(part) - 1))
            self._pass(self.model.base_model, part)
            self.commit(range(len(part)))
            parts = [*parts, self._states] if self.keeps_prompt else [self._last_row()]
        if parts:
            self._states = {tap: torch.cat([part[tap] for part in parts]) for tap in self.taps}

    def extend(
        self, tokens: Sequence[int], parents: Sequence[int], *, last_only: bool = False
    ) -> torch.Tensor:
        """Read one row per token and return logits [N, V] of what comes after each.

        Args:
            tokens: [N] token ids.
            parents: [N] rows of this round (rows of earlier calls count on), -1 for a row
                that follows the committed text.
            last_only: make the last row's logits only, [1, V].
        """
        self._grow(parents)
        options = {"logits_to_keep": 1} if last_only and self._can_keep else {}
        if attends_by_trees(self.model) and len(tokens) == len(self._depths):
            seen = torch.from_numpy(self._seen).to(self.model.device)
            options["tree"] = TreeSlots.of(seen, self.committed)
        if self.probe is not None:
            self.probe.share = None
            options |= {"mass": self.probe} if len(tokens) > 1 else {}
        logits = self._pass(self.model, tokens, **options).logits[0]
        return logits[-1:] if last_only else logits

    def catch_up(self, tokens: Sequence[int]) -> torch.Tensor:
        """Begin a round by reading ``tokens``, one below the other; logits [1, V] behind them.

        In passes of ``MAX_ROWS``: a kernel that reads trees takes no more rows, and what a larger
        tree would be read by may have to be compiled first.
        """
        for start in range(0, len(tokens), MAX_ROWS):
            part = tokens[start : start + MAX_ROWS]
            logits = self.extend(part, range(start - 1, start + len(part) - 1), last_only=True)
        return logits

    def commit(self, path: Sequence[int]) -> CacheStep:
        """Keep the round's rows ``path``, free its others, and begin the next round."""
        self.end_round()
        return self.cache.commit(path)

    def end_round(self) -> None:
        """There are no rows of a round any more."""
        self._depths, self._seen = [], np.zeros((0, 0), dtype=bool)

    def _lay_out(self) -> None:
        """Give the cache its memory though nothing is read yet: the header tells a slot's bytes.

        What a slot holds is the model's affair, so that one row is read and forgotten.
        """
        if not self.cache.slot_bytes:
            self._grow([-1])
            self._pass(self.model.base_model, [0])
            self.commit([])
            self._states = {}

    def _grow(self, parents: Sequence[int]) -> None:
        """Add rows to the round: their depths and their ancestors."""
        old, rows = len(self._depths), len(self._depths) + len(parents)
        seen = np.zeros((rows, rows), dtype=bool)
        seen[:old, :old] = self._seen
        for row, parent in enumerate(parents, start=old):
            if parent >= 0:
                seen[row] = seen[parent]
            seen[row, row] = True
            self._depths.append(self._depths[parent] + 1 if parent >= 0 else 0)
        self._seen = seen

    def _pass(self, model: torch.nn.Module, tokens: Sequence[int], **options: Any) -> Any:
        """One forward pass over the newest rows."""
        num, device = len(tokens), self.model.device
        positions = [self.committed + depth for depth in self._depths[-num:]]
        options |= keeping(self.taps)
        outputs = model(
            input_ids=torch.tensor([tokens], device=device),
            position_ids=torch.tensor([positions], device=device),
            attention_mask=self._mask(num),
            past_key_values=self.cache,
            use_cache=True,
            **options,
        )
        if self.taps:
            self._states = {tap: outputs.hidden_states[tap][0] for tap in self.taps}
        return outputs

    def _last_row(self) -> dict[int, torch.Tensor]:
        """The newest states of the last token alone, in memory of their own."""
        return {tap: rows[-1:].clone() for tap, rows in self._states.items()}

    def _mask(self, num: int) -> torch.Tensor | None:
        """[1, 1, num, T] additive mask of the newest rows; ``None`` where plain causal is meant."""
        seen = self._seen[-num:]  # [num, rows]
        if (num == 1 and seen.all()) or (self.committed == 0 and self._is_prefix(num)):
            return None
        device, dtype = self.model.device, self.model.dtype
        mask = torch.zeros(num, self.committed + seen.shape[1], dtype=dtype, device=device)
        hidden = torch.from_numpy(~seen).to(device)  # of the round alone: the text may be long
        mask[:, self.committed :].masked_fill_(hidden, torch.finfo(dtype).min)
        return mask[None, None]

    def _is_prefix(self, num: int) -> bool:
        """Whether the newest rows are all there is, one below the other."""
        return num == len(self._depths) and self._depths == list(range(num))
