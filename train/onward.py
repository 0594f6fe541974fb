"""A training that begins with shipped heads, and what it has to be told of theirs.

A checkpoint is large and stays where it was made; the shipped folder goes everywhere.  What it
lacks is the optimiser's memory and the bits that eight-bit weights have dropped: a few hundred
steps.
"""

import json
import shutil
from pathlib import Path

import torch
from torch import nn

from train.curve import thin
from train.family import ScaledLinear
from train.training import Training

HISTORY = "training.json"
BEFORE = "before"  # of a run: the shipped folder that it went on from, as it was then
VOCABULARIES = ("token_map", "draft_ids")  # of shipped heads: training guesses every token
MEAN = """
- **Weights**: the mean of those before and after the last training (Wortsman et al., 2022, arXiv
  2203.05482); the curve is of those after it."""


@torch.no_grad()
def take_weights(head: nn.Module, shipped: nn.Module) -> None:
    """Give ``head``, which is to be trained, the weights of ``shipped``.

    Raises:
        ValueError: it has a weight that ``shipped`` lacks or has in another shape.
    """
    kept = {n: w for n, w in shipped.state_dict().items() if n not in VOCABULARIES}
    for name, module in head.named_modules():
        if isinstance(module, ScaledLinear) and f"{name}.weight" in kept:
            kept[f"{name}.weight"] = kept[f"{name}.weight"] / module.scale
    own = head.state_dict()
    fitting = {n: w for n, w in kept.items() if n in own and own[n].shape == w.shape}
    lacking = [name for name, _ in head.named_parameters() if name not in fitting]
    if lacking:
        raise ValueError(f"shipped heads have no weight {lacking[0]} of that shape")
    head.load_state_dict(fitting, strict=False)


@torch.no_grad()
def average(head: nn.Module, shipped: nn.Module) -> None:
    """Move the weights of ``head``, trained on from those of ``shipped``, half the way back.

    The mean of two that a training has in common is as a rule better than both (model soups:
    Wortsman et al., 2022, arXiv 2203.05482): each has learnt a text of its own.

    Raises:
        ValueError: as for ``take_weights``.
    """
    trained = {name: weight.clone() for name, weight in head.named_parameters()}
    take_weights(head, shipped)
    for name, weight in head.named_parameters():
        weight.lerp_(trained[name], 0.5)


def keep_before(training: Training, shipped: Path, run: Path) -> None:
    """Keep a copy of ``shipped``, which a training in ``run`` that has not begun yet goes on from.

    What is shipped of that training takes its place, and what it is to be averaged with is gone.
    """
    kept = run / BEFORE
    if training.step or kept.resolve() == shipped.resolve():
        return
    shutil.rmtree(kept, ignore_errors=True)  # of a training that made no checkpoint
    shutil.copytree(shipped, kept)


def need_start(training: Training, folder: Path, run: Path) -> None:
    """End where ``folder`` does not hold the weights that the training in ``run`` went on from.

    Raises:
        SystemExit: it counts other steps, as it does once a mean has been shipped: with that the
            training would weigh three quarters, and the card say a half.
    """
    counted, start = steps_of(folder), training.steps_before
    if counted != start:
        raise SystemExit(
            f"{folder} was trained for {counted:,} steps and {run} went on from weights of "
            f"{start:,}: only with those is it averaged ({run / BEFORE} keeps them, where there "
            "is one); a new training needs a folder of its own"
        )


def write_history(training: Training, folder: Path) -> None:
    """Keep beside shipped weights how they came about."""
    told = {
        "steps": training.steps_before + training.step,
        "tokens": training.tokens,
        "seconds": round(training.seconds),
        "curve": [[n, round(met, 4), round(length, 4)] for n, met, length in thin(training.curve)],
    }
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in told.items())
    (folder / HISTORY).write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def steps_of(folder: Path) -> int:
    """How many steps the weights in ``folder`` were trained for; 0 where it does not say."""
    path = folder / HISTORY
    return int(json.loads(path.read_text("utf-8"))["steps"]) if path.exists() else 0


def spare_longer(training: Training, folder: Path, is_forced: bool) -> None:
    """End before ``training`` is shipped over one that learnt for longer.

    Raises:
        SystemExit: ``folder`` counts more steps, and nobody said to overwrite it all the same.
    """
    own, shipped = training.steps_before + training.step, steps_of(folder)
    if own < shipped and not is_forced:
        raise SystemExit(
            f"{folder} was trained for {shipped:,} steps and this training counts {own:,}: only "
            "--force overwrites it; without the training's folder the next one goes on from it"
        )


def read_history(training: Training, folder: Path) -> None:
    """Let ``training`` count on from what ``folder`` says, if it says anything."""
    if (folder / HISTORY).exists():
        told = json.loads((folder / HISTORY).read_text("utf-8"))
        training.steps_before, training.tokens = told["steps"], told["tokens"]
        training.seconds = told["seconds"]
        training.curve = [tuple(point) for point in told["curve"]]
