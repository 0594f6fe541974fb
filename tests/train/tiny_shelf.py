"""Heads of a tiny target, trained for two steps and shipped, and the settings to go on."""

import argparse
from pathlib import Path

import numpy as np
from torch import Tensor

from tests.train.test_heads import settings
from tests.train.tiny_text import tiny_part, tiny_target
from train.heads import read_shipped, train
from train.ship import ship

KIND = "medusa"


def tiny_shelf(home: Path) -> Path:
    """A target, its answers, and the heads in ``drafters`` that a run ``first`` made."""
    target = tiny_target()
    tiny_part(target, home / "labels" / "part")
    target.save_pretrained(home / "target")
    (home / "bench").mkdir()  # as if the questions were answered already
    kept = home / "bench" / "target_questions_4.npz"
    np.savez(kept, first=[3, 3], **{"0": np.arange(8), "1": np.arange(9)})
    train(run_settings(home, "first", steps=2))
    ship(ship_settings(home, "first"))
    return home


def run_settings(home: Path, run: str, **told: object) -> argparse.Namespace:
    """Of a training in the folder ``run`` of the runs."""
    usual = dict(kind=KIND, labels=[home / "labels"], threads=1)
    return settings(home, home / "runs" / run, **(usual | told))


def ship_settings(
    home: Path, run: str, mean: Path | None = None, is_forced: bool = False
) -> argparse.Namespace:
    """Of shipping it, without rounding."""
    told = dict(kind=KIND, run=home / "runs" / run, out=home / "drafters" / KIND, mean=mean)
    told |= dict(target=str(home / "target"), prompts=home / "questions.jsonl", held=2, drawn=1)
    told |= dict(labels=[home / "labels"], bench=home / "bench", vocab=9, new_tokens=4)
    return argparse.Namespace(**told, narrow=False, force=is_forced)


def shipped_weights(home: Path) -> dict[str, Tensor]:
    """Those on the shelf."""
    return dict(read_shipped(KIND, home / "drafters" / KIND, home / "target").named_parameters())
