"""What ships of a curve does not grow with every training."""

import json

import pytest
import torch

from train.card import thin_curve
from train.curve import POINTS, thin
from train.onward import read_history, write_history
from train.training import Training


def points(number):
    return [(100 * at, at / 1000, 1 + at / 100) for at in range(number)]


@pytest.mark.parametrize("number", [0, 1, 2, POINTS - 1, POINTS, POINTS + 1, 3 * POINTS + 1, 500])
def test_of_a_curve_some_points_are_kept_and_its_ends_always(number):
    curve = points(number)
    kept = thin(curve)
    assert len(kept) == min(number, POINTS) == len(set(kept))
    assert kept == sorted(kept) and set(kept) <= set(curve)
    assert kept[:1] == curve[:1] and kept[-1:] == curve[-1:]
    steps = {after[0] - before[0] for before, after in zip(kept, kept[1:], strict=False)}
    assert not steps or max(steps) - min(steps) <= 100  # evenly


def test_a_history_and_a_card_are_as_long_after_ten_trainings_as_after_three(tmp_path):
    lengths = []
    for number in range(10):
        training = Training(torch.nn.Linear(2, 2), [], torch.Generator(), step=9)
        read_history(training, tmp_path)
        training.curve += [(100 * number + at, 0.5, 1.5) for at in range(10)]
        write_history(training, tmp_path)
        curve = json.loads((tmp_path / "training.json").read_text())["curve"]
        lengths.append(len(curve))
        assert curve[0][0] == 0 and curve[-1][0] == 100 * number + 9
        assert len(thin_curve(training.curve).splitlines()) <= 12
    assert lengths == [10, 20, *[POINTS] * 8]
