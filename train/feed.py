"""Endless batches for a trainer, the same ones for the same seed."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch

from train.labels import Labels, LabelStore, held_out


class Batch(NamedTuple):
    """Rows padded behind their end, and what the target says where the assistant speaks.

    Attributes:
        ids: [B, T].
        where: [N] places in the flattened ``ids`` whose next token is the assistant's.
        top_ids, top_probs: [N, K] the target's law for it.
    """

    ids: torch.Tensor
    where: torch.Tensor
    top_ids: torch.Tensor
    top_probs: torch.Tensor


def feed(stores: list[LabelStore], tokens: int, seed: int) -> Iterator[tuple[int, Batch]]:
    """Batches of about ``tokens`` tokens without end, each with its epoch's number.

    Rows that a collector adds meanwhile join at the next epoch.
    """
    for epoch, place, rows in deal(stores, [store.done for store in stores], tokens, seed):
        yield epoch, gather([stores[place].read(row) for row in rows])


def deal(
    stores: Sequence[LabelStore], done: Sequence[np.ndarray], tokens: int, seed: int
) -> Iterator[tuple[int, int, list[int]]]:
    """Epoch, place of a store and rows of it for batches of about ``tokens`` tokens, endlessly.

    Args:
        done: [R] for each store, which of its rows are ready.

    Raises:
        ValueError: none is, of those that are not held out.
    """
    epoch, learnt = 0, [~held_out(store) for store in stores]
    while True:
        rng = np.random.default_rng([seed, epoch])
        ready = [rows & kept for rows, kept in zip(done, learnt, strict=True)]
        dealt = _deal(stores, ready, tokens, rng)
        if not dealt:
            raise ValueError("there is no row to train on: collect or generate some first")
        for place, rows in dealt:
            yield epoch, place, rows
        epoch += 1


def gather(rows: list[Labels]) -> Batch:
    """One batch of rows."""
    width = max(len(row.ids) for row in rows)
    ids = np.zeros((len(rows), width), np.int64)
    for line, row in zip(ids, rows, strict=True):
        line[: len(row.ids)] = row.ids
    spans = [slice(row.first - 1, len(row.ids) - 1) for row in rows]
    where = [i * width + np.arange(span.start, span.stop) for i, span in enumerate(spans)]
    top_ids = [row.top_ids[span] for row, span in zip(rows, spans, strict=True)]
    logprobs = [row.top_logprobs[span] for row, span in zip(rows, spans, strict=True)]
    return Batch(
        torch.from_numpy(ids),
        torch.from_numpy(np.concatenate(where)),
        torch.from_numpy(np.concatenate(top_ids)).long(),
        torch.from_numpy(np.concatenate(logprobs)).float().exp(),
    )


def _deal(
    stores: Sequence[LabelStore],
    ready: Sequence[np.ndarray],
    tokens: int,
    rng: np.random.Generator,
) -> list[tuple[int, list[int]]]:
    """Every row that is ready once, in batches of rows of like length, shuffled.

    Lengths are jittered before they are sorted, so that rows meet others each epoch.
    """
    dealt = []
    for place, store in enumerate(stores):
        lengths = np.diff(store.starts)
        rows = list(np.flatnonzero(ready[place]))
        rows.sort(key=lambda row: lengths[row] + rng.uniform(0, 24))  # noqa: B023 - called at once
        taken: list[int] = []
        for row in rows:
            if taken and (len(taken) + 1) * lengths[row] > tokens:
                dealt.append((place, taken))
                taken = []
            taken.append(int(row))
        if taken:
            dealt.append((place, taken))
    return [dealt[i] for i in rng.permutation(len(dealt))]
