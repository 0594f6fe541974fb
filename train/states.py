"""What the target thought at every position of its labels, memory-mapped beside them.

A column holds one hidden state a token in fp16, in the numbering of transformers'
``hidden_states``: the last one comes after the final norm.  Heads read that one; EAGLE-3
reads three of the layers below it (``usual_taps``: after 2 layers, half of them, all but 3).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel

from engine.heads.eagle3 import usual_taps
from train.labels import LabelStore

FP16 = torch.finfo(torch.float16)
LAST = "last"
LOWER = ("low", "middle", "high")


def tapped(layers: int) -> dict[str, int]:
    """Column -> index in ``hidden_states`` of a target with ``layers`` layers."""
    return dict(zip(LOWER, usual_taps(layers), strict=True)) | {LAST: layers}


@dataclass(slots=True)
class StateStore:
    """Columns of hidden states of one part of the corpus.

    Attributes:
        columns: name -> [T, H] fp16.
        done: [R] whether the target has read the row for them.
    """

    columns: dict[str, np.ndarray]
    done: np.ndarray

    @classmethod
    def create(cls, folder: Path, labels: LabelStore, hidden: int) -> "StateStore":
        """Lay out empty columns beside ``labels``."""
        for name in (*LOWER, LAST):
            path, shape = folder / f"state_{name}.npy", (int(labels.starts[-1]), hidden)
            np.lib.format.open_memmap(path, "w+", np.float16, shape).flush()
        np.save(folder / "state_done.npy", np.zeros(len(labels), bool))
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> "StateStore":
        """Map the columns in ``folder``; another process may still be filling them."""
        columns = {n: np.load(folder / f"state_{n}.npy", "r+") for n in (*LOWER, LAST)}
        return cls(columns, np.load(folder / "state_done.npy", "r+"))

    def write(self, row: int, span: slice, states: dict[str, np.ndarray]) -> None:
        """Keep the states of ``row``, which lies at ``span``, and mark it done."""
        for name, column in self.columns.items():
            column[span] = states[name]
        self.done[row] = True  # last: a reader must not see a row half written


@torch.inference_mode()
def read_states(
    target: PreTrainedModel, rows: list[np.ndarray]
) -> Iterator[tuple[torch.Tensor, dict[str, np.ndarray]]]:
    """The target's states, row by row.

    Rows are padded behind their end, where causal attention never looks from within, so
    neither a mask nor left padding is needed.

    Yields:
        ``[T, H]`` the last state as the target has it, and every column in fp16.
    """
    batch = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    for line, row in zip(batch, rows, strict=True):
        line[: len(row)] = torch.from_numpy(row)
    told = target.model(batch.to(target.device), use_cache=False, output_hidden_states=True)
    layers = tapped(target.config.num_hidden_layers)
    for line, row in enumerate(rows):
        states = {n: told.hidden_states[i][line, : len(row)] for n, i in layers.items()}
        kept = {n: s.clamp(FP16.min, FP16.max).half().cpu().numpy() for n, s in states.items()}
        yield states[LAST], kept
