"""Endless batches for heads: the target's states beside its laws, the same for the same seed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from train.feed import deal
from train.labels import LabelStore
from train.needs import label_folders
from train.states import StateStore
from train.whose import hold_to_target, said_by, target_mark


class Part(NamedTuple):
    """Labels and states of one part of the text."""

    labels: LabelStore
    states: StateStore

    @property
    def ready(self) -> np.ndarray:
        """[R] which rows the target has read for both."""
        return self.labels.done & self.states.done


class StateBatch(NamedTuple):
    """Rows padded behind their end.

    Attributes:
        ids: [B, T] tokens.
        states: [B, T, S * H] the target's, the wanted columns side by side, fp32.
        first, stop: [B] where the assistant begins to speak, and where the row ends.
        top_ids, top_probs: [B, T, K] the target's law for the token after each.
    """

    ids: Tensor
    states: Tensor
    first: Tensor
    stop: Tensor
    top_ids: Tensor
    top_probs: Tensor

    def asked(self, ahead: int) -> Tensor:
        """[B, T] from which tokens t a head is asked for the token t + 2 + ``ahead``.

        The decoder asks so where that token is the assistant's and token t + 1 stands: its
        first round begins at the prompt's last token but one.
        """
        at = torch.arange(self.ids.shape[1], device=self.ids.device)
        first, stop = self.first[:, None], self.stop[:, None]
        return (at + 1 + ahead >= first - 1) & (at >= first - 2) & (at + 1 + ahead <= stop - 2)

    def law(self, asked: Tensor, ahead: int) -> tuple[Tensor, Tensor]:
        """The target's law [N, K], ids and probabilities, for what was ``asked``."""
        line, at = asked.nonzero(as_tuple=True)
        label = at + 1 + ahead
        return self.top_ids[line, label].long(), self.top_probs[line, label]

    def to(self, device: torch.device) -> "StateBatch":
        """The batch on another device."""
        return StateBatch(*(column.to(device) for column in self))


def open_parts(folders: Sequence[Path], target: str = "") -> list[Part]:
    """Parts in ``folders``; a folder of folders counts as as many parts.

    Args:
        target: folder of the one whose words and states they must be.
    """
    found = label_folders(folders, "state_done.npy")
    for folder in found if target else ():
        hold_to_target(folder, said_by(folder), target_mark(target))
    return [Part(LabelStore.open(folder), StateStore.open(folder)) for folder in found]


def feed_states(parts: Sequence[Part], tokens: int, seed: int) -> Iterator[tuple[Part, list[int]]]:
    """Where the rows of batches of about ``tokens`` tokens lie, without end."""
    ready = [part.ready for part in parts]
    for _, place, rows in deal([part.labels for part in parts], ready, tokens, seed):
        yield parts[place], rows


def gather_states(part: Part, rows: Sequence[int], columns: Sequence[str]) -> StateBatch:
    """One batch of ``rows``."""
    labels, spans = part.labels, [part.labels.span(row) for row in rows]
    width = max(span.stop - span.start for span in spans)
    first = torch.tensor([int(labels.first[row]) for row in rows])
    stop = torch.tensor([span.stop - span.start for span in spans])
    ids = _pad([labels.ids[span] for span in spans], width).long()
    wanted = [[part.states.columns[name][span] for span in spans] for name in columns]
    states = torch.cat([torch.empty(*ids.shape, 0), *(_pad(each, width) for each in wanted)], -1)
    logprobs = _pad([labels.top_logprobs[span] for span in spans], width).float()
    top_ids = _pad([labels.top_ids[span] for span in spans], width)
    return StateBatch(ids, states.float(), first, stop, top_ids, logprobs.exp())


def _pad(rows: Sequence[np.ndarray], width: int) -> Tensor:
    """Rows [n, ...] of different lengths as one [B, width, ...], zeros behind their end."""
    padded = np.zeros((len(rows), width, *rows[0].shape[1:]), rows[0].dtype)
    for line, row in zip(padded, rows, strict=True):
        line[: len(row)] = row
    return torch.from_numpy(padded)
