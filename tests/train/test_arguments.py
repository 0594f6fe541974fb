"""The command line of a training: whole for every drafter."""

import sys
from pathlib import Path

import pytest

from train import draft, heads
from train.heads import FAMILIES

MAY_BE_OPEN = {"shipped", "base"}


def read(module, words, monkeypatch):
    """What ``module`` would train with."""
    taken = []
    monkeypatch.setattr(sys, "argv", ["train", *words])
    monkeypatch.setattr(module, "train", taken.append)
    module.main()
    return vars(taken[0])


@pytest.mark.parametrize(
    ("module", "words"), [(draft, []), *((heads, [kind]) for kind in FAMILIES)]
)
def test_every_setting_of_a_training_has_a_value(module, words, monkeypatch):
    told = read(module, words, monkeypatch)
    assert {name for name, value in told.items() if value is None} <= MAY_BE_OPEN
    assert told["out"] == Path("runs") / (words[0] if words else "draft")
    assert isinstance(told["autocast"], bool)


def test_what_is_said_holds_against_a_drafters_usual(monkeypatch):
    words = ["eagle", "--rate", "8e-4", "--autocast", "--threads", "1", "--out", "elsewhere"]
    told = read(heads, words, monkeypatch)
    assert (told["rate"], told["autocast"], told["out"]) == (8e-4, True, Path("elsewhere"))
    assert told["steps"] == read(heads, ["hydra"], monkeypatch)["steps"]
