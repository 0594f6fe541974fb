"""What drafters are examined on, and how far their drafts come there.

Held-out answers and MT-bench: laws and states of whole greedy answers of the target, read once.
"""

import argparse
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from train.collect import open_states, top_law
from train.corpus import Row
from train.family import Guesser
from train.labels import LabelStore, open_stores
from train.measure import Answer, bench_answers, held_out_answers
from train.ranks import chain_paths, ranks, tree_figures
from train.state_feed import Part
from train.states import StateStore, read_states
from train.trees import SIZES
from train.whose import TARGET_FACT, said_by, target_mark

HELD = "held-out answers"  # trees are picked on them: of trees, MT-bench is the fair figure


def texts(args: argparse.Namespace, target: PreTrainedModel) -> dict[str, Part]:
    """Held-out answers and those to the MT-bench questions, by name."""
    held = held_out_answers(open_stores(args.labels, args.target))[: args.held]
    bench = bench_answers(args.target, args.prompts, args.new_tokens, args.bench)
    mark = target_mark(args.target)
    return {
        HELD: read_answers(target, held, args.bench / "held", mark),
        "MT-bench": read_answers(target, bench, args.bench / "mt_bench", mark),
    }


@torch.inference_mode()
def read_answers(
    target: PreTrainedModel, answers: Sequence[Answer], folder: Path, mark: str, top: int = 64
) -> Part:
    """Laws and states of whole answers, read once and then kept in ``folder``.

    Those of other answers or of another target, and those that do not say of which, are read anew.

    Args:
        mark: of the target (``train.whose``).
    """
    rows = [Row(answer.ids.tolist(), answer.first, True) for answer in answers]
    top = min(top, target.config.vocab_size)
    if not ((folder / "whole").exists() and _holds(folder, rows, mark)):
        shutil.rmtree(folder, ignore_errors=True)
        labels = LabelStore.create(folder, rows, top, {"part": folder.name, TARGET_FACT: mark})
        states = open_states(folder, labels, target.config.hidden_size)
        for row in range(len(labels)):
            (read,) = read_states(target, [labels.row_ids(row)])
            logprobs, ids = top_law(target, read[0], top)
            labels.write(row, ids.int().numpy(), logprobs.half().numpy())
            states.write(row, labels.span(row), read[1])
        (folder / "whole").touch()
    return Part(LabelStore.open(folder), StateStore.open(folder))


def _holds(folder: Path, rows: Sequence[Row], mark: str) -> bool:
    """Whether these very rows lie in ``folder``, as that target read them."""
    labels = LabelStore.open(folder)
    kept = [Row(labels.row_ids(i).tolist(), int(labels.first[i]), True) for i in range(len(labels))]
    return said_by(folder) == mark and kept == rows


def all_ranks(
    family: Guesser, head: nn.Module, rows: Sequence[tuple[Part, int]], words: Tensor
) -> list[np.ndarray]:
    """Ranks of the target's tokens in every answer of ``rows``."""
    return [ranks(family, head, part, row, words) for part, row in rows]


def table(
    found: Mapping[str, list[np.ndarray]], trees: Mapping[str, Any]
) -> list[tuple[str, str, float, int, int]]:
    """Text, draft, accepted length, tokens and rounds, for a chain and for trees."""
    drafts = {"chain of 4": chain_paths(4)}
    drafts |= {f"tree of {size}": [tuple(path) for path in trees[str(size)]] for size in SIZES}
    told = []
    for name, answers in found.items():
        for draft, paths in drafts.items():
            figure = tree_figures(answers, paths)
            told.append((name, draft, figure.accepted_length, figure.tokens, figure.rounds))
    return told
