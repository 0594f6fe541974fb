"""What the target said at every position of the corpus, memory-mapped on disk.

Rows of tokens lie end to end; one column file holds one thing per token.  A column of the
target's hidden states can join the others without a change to what reads these.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from train.corpus import Row
from train.needs import label_folders
from train.whose import hold_to_target, said_by, target_mark


class Labels(NamedTuple):
    """One row with the target's law behind each of its tokens (length T, K entries kept)."""

    ids: np.ndarray  # [T]
    first: int  # the assistant speaks from here on
    greedy: bool
    top_ids: np.ndarray  # [T, K], most probable first
    top_logprobs: np.ndarray  # [T, K] fp16; what their mass lacks to 1 is the rest's


@dataclass(slots=True)
class LabelStore:
    """The columns of one part of the corpus.

    Attributes:
        starts: [R + 1] where each row begins in the token columns.
        first: [R] position of the assistant's first token within its row.
        greedy: [R] whether the row's answer is the target's own at temperature 0.
        done: [R] whether the target has read the row.
        ids: [T] token ids.
        top_ids, top_logprobs: [T, K] the target's law for the token after each.
    """

    starts: np.ndarray
    first: np.ndarray
    greedy: np.ndarray
    done: np.ndarray
    ids: np.ndarray
    top_ids: np.ndarray
    top_logprobs: np.ndarray

    @classmethod
    def create(cls, folder: Path, rows: list[Row], top: int, facts: dict[str, Any]) -> "LabelStore":
        """Lay out empty columns for ``rows``; ``facts`` are kept beside them."""
        folder.mkdir(parents=True, exist_ok=True)
        starts = np.cumsum([0] + [len(row.ids) for row in rows])
        total = int(starts[-1])
        np.save(folder / "starts.npy", starts)
        np.save(folder / "first.npy", np.array([row.first for row in rows], np.int32))
        np.save(folder / "greedy.npy", np.array([row.greedy for row in rows], bool))
        np.save(folder / "done.npy", np.zeros(len(rows), bool))
        np.save(folder / "ids.npy", np.concatenate([np.array(r.ids, np.int32) for r in rows]))
        for name, kind in (("top_ids", np.int32), ("top_logprobs", np.float16)):
            np.lib.format.open_memmap(folder / f"{name}.npy", "w+", kind, (total, top)).flush()
        (folder / "facts.json").write_text(json.dumps(facts, indent=1))
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> "LabelStore":
        """Map the columns in ``folder``; another process may still be filling them."""
        return cls(**{name: np.load(folder / f"{name}.npy", "r+") for name in cls.__slots__})

    def __len__(self) -> int:
        return len(self.first)

    def span(self, row: int) -> slice:
        """The positions of ``row`` in the token columns."""
        return slice(int(self.starts[row]), int(self.starts[row + 1]))

    def row_ids(self, row: int) -> np.ndarray:
        """The tokens of ``row``."""
        return self.ids[self.span(row)]

    def write(self, row: int, top_ids: np.ndarray, top_logprobs: np.ndarray) -> None:
        """Keep the target's law for ``row`` and mark it done."""
        self.top_ids[self.span(row)] = top_ids
        self.top_logprobs[self.span(row)] = top_logprobs
        self.done[row] = True  # last: a reader must not see a row half written

    def read(self, row: int) -> Labels:
        """One finished row."""
        span = self.span(row)
        return Labels(
            self.ids[span],
            int(self.first[row]),
            bool(self.greedy[row]),
            self.top_ids[span],
            self.top_logprobs[span],
        )


def open_stores(folders: Sequence[Path], target: str = "") -> list[LabelStore]:
    """Stores in ``folders``; a folder of folders counts as as many stores.

    Args:
        target: folder of the one whose words they must be.
    """
    found = label_folders(folders, "top_ids.npy")
    for folder in found if target else ():
        hold_to_target(folder, said_by(folder), target_mark(target))
    return [LabelStore.open(folder) for folder in found]


def is_held_out(prompt: np.ndarray) -> bool:
    """Whether answers to ``prompt`` [P], token ids, are kept from training: a twentieth are.

    By what is asked and not by where it stands: the same requests come again in other stores,
    and what is learnt from in one of them may be held out in none.
    """
    return crc32(prompt.astype("<i4").tobytes()) % 20 == 19


def held_out(store: LabelStore) -> np.ndarray:
    """[R] which rows are kept from training."""
    prompts = (store.row_ids(row)[: store.first[row]] for row in range(len(store)))
    return np.array([is_held_out(prompt) for prompt in prompts], bool)


def text_facts(stores: Iterable[LabelStore], ready: Iterable[np.ndarray]) -> dict[str, int]:
    """How many answers there are to learn from, and their tokens.

    Args:
        ready: [R] of each store, which rows can be read.
    """
    lengths = [
        int(store.starts[row + 1] - store.starts[row] - store.first[row])
        for store, rows in zip(stores, ready, strict=True)
        for row in np.flatnonzero(rows & ~held_out(store))
    ]
    return {"rows": len(lengths), "unique": sum(lengths)}


def common_tokens(stores: list[LabelStore], size: int, number: int) -> tuple[np.ndarray, list[int]]:
    """How often each token occurs [V], and the ``number`` that the target most looks to."""
    counts = np.zeros(size)
    for store in stores:
        for row in np.flatnonzero(store.done & ~held_out(store)):
            span = store.span(int(row))
            np.add.at(counts, store.ids[span], 1.0)
            best = store.top_logprobs[span, :8].astype(np.float32)
            np.add.at(counts, store.top_ids[span, :8], np.exp(best))
    return counts, np.argsort(-counts)[:number].tolist()
