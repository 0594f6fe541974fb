"""Reads the corpus through the target once and keeps its law and states at every position.

``python -m train.collect replies`` fills ``runs/labels/replies``; interrupted, it goes on
where it stopped.
"""

import argparse
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer, PreTrainedModel

from engine.heads.logit_shape import logit_shape
from train.corpus import PARTS, Row, frame, read_chats
from train.labels import LabelStore, is_held_out
from train.needs import CORPUS, TARGET, need_target, read_target
from train.precision import AUTO, dtype_of
from train.progress import Progress
from train.states import StateStore, read_states
from train.whose import TARGET_FACT, hold_to_target, said_by, target_mark

LABELS = Path("runs/labels")
SETTINGS = ("rows", "top", "length", "seed")  # that a store is laid out by


@torch.inference_mode()
def top_law(
    target: PreTrainedModel, state: torch.Tensor, top: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities and ids of the ``top`` best next tokens of ``state`` [T, H].

    bf16 logits of size 20 are 0.1 apart and would tie, so the entries that are kept are
    computed again in fp32; the many small ones that only enter the normaliser are not.
    """
    shape = logit_shape(target.config)
    logits = shape(target.lm_head(state).float())  # [T, V]
    ids = logits.topk(top).indices
    best = torch.einsum("th,tkh->tk", state.float(), target.lm_head.weight[ids].float())
    best = shape(best)
    logits.scatter_(1, ids, best)
    best, order = best.sort(descending=True)
    return best - logits.logsumexp(-1, keepdim=True), ids.gather(1, order)


def batches(store: LabelStore, todo: np.ndarray, tokens: int, seed: int) -> list[list[int]]:
    """The rows ``todo``, batches of like lengths and about ``tokens`` tokens, shuffled.

    Shuffled, so that what a trainer finds in a store half filled is like the whole.
    """
    lengths = np.diff(store.starts)
    todo = sorted(todo, key=lambda row: lengths[row])
    grouped: list[list[int]] = [[]]
    for row in todo:
        if (len(grouped[-1]) + 1) * lengths[row] > tokens and grouped[-1]:
            grouped.append([])
        grouped[-1].append(int(row))
    order = np.random.default_rng(seed).permutation(len(grouped))
    return [grouped[i] for i in order if grouped[i]]


def open_store(args: argparse.Namespace) -> LabelStore:
    """The store of ``args.part``, laid out first where there is none.

    Raises:
        SystemExit: there is one, of other settings or of another target.
    """
    folder = args.out / args.part
    facts = {"part": args.part} | {name: getattr(args, name) for name in SETTINGS}
    mark = target_mark(args.target)
    if (folder / "facts.json").exists():
        hold_to_target(folder, said_by(folder), mark)
        _hold_to(folder, facts)
        return LabelStore.open(folder)
    tokenizer = AutoTokenizer.from_pretrained(args.target)
    chats = list(read_chats(args.corpus, args.part))
    is_part = 0 < args.rows < len(chats)
    order = (
        np.random.default_rng(args.seed).permutation(len(chats)) if is_part else range(len(chats))
    )
    framed = (frame(tokenizer, chats[i], args.length) for i in order)
    whole = (row for row in framed if row.first < len(row.ids))
    rows = part_of(whole, args.rows, args.measurable) if is_part else list(whole)
    return LabelStore.create(folder, rows, args.top, facts | {TARGET_FACT: mark})


def part_of(rows: Iterator[Row], number: int, measurable: int) -> list[Row]:
    """The first ``number`` rows; of their last ones so many give way that enough can be measured.

    Args:
        measurable: held-out answers of the target's own that there have to be: one in twenty is.
    """
    chosen = list(islice(rows, number))
    lacking = min(measurable, number) - sum(map(_is_measurable, chosen))
    if lacking <= 0:
        return chosen
    found = list(islice(filter(_is_measurable, rows), lacking))
    others = [row for row in chosen if not _is_measurable(row)]
    gone = {id(row) for row in others[len(others) - len(found) :]}
    return [row for row in chosen if id(row) not in gone] + found


def _is_measurable(row: Row) -> bool:
    return row.greedy and is_held_out(np.array(row.ids[: row.first], np.int32))


def _hold_to(folder: Path, asked: dict[str, Any]) -> None:
    """End where ``folder`` was laid out with other settings than are ``asked``.

    What its facts do not say is not held against it: older ones lack ``rows``.
    """
    kept = json.loads((folder / "facts.json").read_text("utf-8"))
    for name, value in asked.items():
        if kept.get(name, value) != value:
            raise SystemExit(
                f"{folder} was laid out with --{name} {kept[name]}, not {value}: "
                "ask for the same, or for another --out"
            )


@torch.inference_mode()
def collect(args: argparse.Namespace) -> None:
    """Read every row that is not yet done; laws that are kept already are not made again."""
    need_target(args.target)
    labels = open_store(args)
    target = read_target(args.target, dtype_of(args.dtype, args.device)).to(args.device)
    states = open_states(args.out / args.part, labels, target.config.hidden_size)
    done = labels.done & states.done
    print(f"{done.sum():,} of {len(done):,} rows are there", flush=True)
    todo = batches(labels, np.flatnonzero(~done), args.tokens, args.seed)
    progress = Progress(sum(len(labels.row_ids(row)) for rows in todo for row in rows), "tokens")
    for rows in todo:
        read = read_states(target, [labels.row_ids(row) for row in rows])
        for row, (last, kept) in zip(rows, read, strict=True):
            if not labels.done[row]:
                logprobs, ids = top_law(target, last, args.top)
                labels.write(row, ids.int().cpu().numpy(), logprobs.half().cpu().numpy())
            states.write(row, labels.span(row), kept)
        progress.advance(sum(len(labels.row_ids(row)) for row in rows))


def open_states(folder: Path, labels: LabelStore, hidden: int) -> StateStore:
    """The states beside ``labels``, laid out first where there are none."""
    if (folder / "state_done.npy").exists():
        return StateStore.open(folder)
    return StateStore.create(folder, labels, hidden)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--target", default=TARGET)
    parser.add_argument("--out", type=Path, default=LABELS)
    parser.add_argument("--rows", type=int, default=0, help="read a random part; 0 reads all")
    parser.add_argument(
        "--measurable", type=int, default=0, help="held-out answers among --rows at the least"
    )
    parser.add_argument("--length", type=int, default=512, help="tokens of a row at the most")
    parser.add_argument("--top", type=int, default=64, help="entries kept of each law")
    parser.add_argument("--tokens", type=int, default=4096, help="of a batch")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default=AUTO, help="of the target; auto is what is faster")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    collect(args)


if __name__ == "__main__":
    main()
