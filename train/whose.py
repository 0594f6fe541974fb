"""Which target's words are kept on the disk, so that no other's are taken for them."""

import json
from functools import cache
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from engine.weights_used import weights_of
from train.needs import need_target

TARGET_FACT = "target"  # of facts.json


@cache
def target_mark(folder: str) -> str:
    """The sha256 of the weights in ``folder``; empty where they are no safetensors."""
    need_target(folder)
    with torch.device("meta"):  # of the model nothing but its dtype is asked
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
    return weights_of(folder, model).sha256


def said_by(folder: Path) -> str | None:
    """The mark of the target that ``folder`` is of; ``None`` of one that does not say."""
    mark: str | None = json.loads((folder / "facts.json").read_text("utf-8")).get(TARGET_FACT)
    return mark


def hold_to_target(place: Path, kept: str | None, mark: str) -> None:
    """End where what lies in ``place`` is another target's.

    Older places do not say whose they are: those are taken to be of the target that is asked for.

    Args:
        kept, mark: marks of the target that it is of, and of the one that is asked for.
    """
    if kept and mark and kept != mark:
        raise SystemExit(
            f"{place} keeps what another target said (its weights are {kept[:12]}..., those of "
            f"--target {mark[:12]}...): name that target, or another folder than this"
        )
