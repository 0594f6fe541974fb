"""The steps of ``make train``."""

from importlib.util import find_spec
from pathlib import Path

from train.__main__ import FEW, HEADS, steps
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


def test_a_trial_reads_and_writes_nothing_outside_its_folder():
    for _, *told in steps(Path("runs/trial"), Path("runs/trial/drafters")):
        paths = [word for word in told if "/" in word]
        assert paths and all(path.startswith("runs/trial/") for path in paths)
