"""The steps of ``make train``."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from train.__main__ import FEW, HEADS, read, steps
from train.heads import FAMILIES


def test_every_kind_of_head_is_trained_and_then_shipped():
    told = [step[:2] for step in steps(Path("runs"), Path("shelf"))]
    assert set(HEADS) == set(FAMILIES)
    for kind in FAMILIES:
        assert told.index(("heads", kind)) < told.index(("ship", kind))
    assert told.index(("heads", "hydra")) < told.index(("heads", "hydra++"))  # begins with it


def test_every_step_is_a_module_that_a_trial_has_settings_for():
    for module, *_ in steps(Path("runs"), Path("shelf")):
        assert find_spec(f"train.{module}") and module in FEW


DRAFTERS = ["draft", *FAMILIES]


def shelf(folder, count=4700):
    """Shipped folders that were trained for ``count`` steps."""
    for kind in DRAFTERS:
        (folder / kind).mkdir(parents=True)
        (folder / kind / "training.json").write_text(f'{{"steps": {count}}}')
    return folder


def trainings(*told, **named):
    """Drafter -> its training's arguments."""
    found = [step for step in steps(*told, **named) if step[0] in ("draft", "heads")]
    return {step[1] if step[0] == "heads" else "draft": list(step) for step in found}


def after(words, option):
    return words[words.index(option) + 1]


@pytest.mark.parametrize("kind", DRAFTERS)
def test_a_training_goes_on_from_what_is_shipped(kind, tmp_path):
    told = trainings(tmp_path / "runs", shelf(tmp_path / "shelf"))[kind]
    assert after(told, "--shipped") == str(tmp_path / "shelf" / kind)
    assert after(told, "--steps") == ("2000" if kind == "draft" else "2700")
    settings = {"--rate": "1.2e-3", "--warmup": "40", "--decay": "0.7", "--held": "60"}
    assert all(after(told, name) == value for name, value in settings.items())
    assert "--no-muon" not in told and "--base" not in told


@pytest.mark.parametrize("kind", DRAFTERS)
def test_a_fresh_training_is_as_long_as_the_one_that_it_replaces(kind, tmp_path):
    told = trainings(tmp_path / "runs", shelf(tmp_path / "shelf"), is_fresh=True)[kind]
    assert "--shipped" not in told and after(told, "--steps") == "4700"
    assert after(told, "--out") == str(tmp_path / "runs/fresh" / kind)  # no checkpoint goes on
    assert set(HEADS.get(kind, ())) <= set(told)
    assert ("--base" in told) == (kind == "hydra++")


def test_where_nothing_is_shipped_a_training_begins_by_itself(tmp_path):
    told = trainings(tmp_path / "runs", tmp_path / "none")
    assert not any({"--shipped", "--steps"} & set(words) for words in told.values())
    assert after(told["hydra++"], "--base") == str(tmp_path / "runs/hydra")


def test_all_but_shipping_is_done_on_the_device_that_is_named():
    for module, *told in steps(Path("runs"), Path("shelf"), "cuda"):
        assert ("--device" in told) == (module not in ("card", "ship"))
        assert "--device" not in told or after(told, "--device") == "cuda"


@pytest.mark.parametrize(("is_there", "device"), [(True, "cuda"), (False, "cpu")])
def test_a_gpu_is_used_where_there_is_one(is_there, device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: is_there)
    monkeypatch.setattr(sys, "argv", ["train"])
    assert read().device == device
    monkeypatch.setattr(sys, "argv", ["train", "--device", "mps"])
    assert read().device == "mps"


@pytest.mark.parametrize("kind", DRAFTERS)
def test_a_training_under_way_goes_on_as_it_began_though_it_was_shipped_since(kind, tmp_path):
    """Its checkpoint is of those optimisers and settings, and of no others."""
    begun = tmp_path / "runs" / kind
    begun.mkdir(parents=True)
    (begun / "settings.json").write_text('{"shipped": null}')
    told = trainings(tmp_path / "runs", shelf(tmp_path / "shelf"))[kind]
    assert "--shipped" not in told and after(told, "--steps") == "4700"
    assert set(HEADS.get(kind, ())) <= set(told)
    (begun / "settings.json").write_text('{"shipped": "shelf"}')
    assert "--shipped" in trainings(tmp_path / "runs", tmp_path / "shelf")[kind]


def test_what_lies_elsewhere_is_told_to_every_step_that_reads_it():
    places = {name: (f"--{name}", "here") for name in ("corpus", "prompts", "target")}
    for module, *told in steps(Path("runs"), Path("shelf"), **places):
        read = {"--target"}
        read |= {"--prompts"} if module in ("card", "ship") else set()
        asks = module in ("collect", "generate") and "--imagine" not in told
        read |= {"--corpus"} if asks else set()
        assert read == {"--corpus", "--prompts", "--target"} & set(told)
