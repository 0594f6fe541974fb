"""What the passes over a batch of answers find, written down line by line."""

import torch

from train.states import FP16


class Sheet:
    """What the passes over one batch found, each line at its own place.

    Attributes:
        columns: column -> [B, T, H] fp16 states, or [B, T, K] laws.
    """

    def __init__(self, lines: int, capacity: int, device: torch.device) -> None:
        self.shape, self.device = (lines, capacity), device
        self.columns: dict[str, torch.Tensor] = {}

    def put(
        self,
        live: torch.Tensor,
        slots: slice,
        states: dict[str, torch.Tensor],
        logprobs: torch.Tensor,
        tops: torch.Tensor,
    ) -> None:
        """Keep what a pass over the lines ``live`` [b] found at ``slots``."""
        kept = {name: state.clamp(FP16.min, FP16.max).half() for name, state in states.items()}
        for name, found in (kept | {"ids": tops.int(), "logprobs": logprobs.half()}).items():
            if name not in self.columns:
                shape = (*self.shape, found.shape[-1])
                self.columns[name] = torch.zeros(shape, dtype=found.dtype, device=self.device)
            self.columns[name][live, slots] = found

    def cut(self, end: int) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
        """States, ids and log-probabilities of the first ``end`` slots, on the CPU."""
        found = {name: column[:, :end].cpu() for name, column in self.columns.items()}
        tops, logprobs = found.pop("ids"), found.pop("logprobs")
        return found, tops, logprobs
