"""The floats that training multiplies in, by what the machine does faster."""

import pytest
import torch

from train import precision
from train.precision import dtype_of, faster_dtype


@pytest.fixture(autouse=True)
def _untried():
    faster_dtype.cache_clear()
    yield
    faster_dtype.cache_clear()


@pytest.mark.parametrize(("bf16", "expected"), [(0.5, torch.bfloat16), (8.0, torch.float32)])
def test_the_faster_of_two_dtypes_is_taken_unless_one_is_named(monkeypatch, bf16, expected):
    seconds = {torch.float32: 1.0, torch.bfloat16: bf16}
    monkeypatch.setattr(precision, "_seconds", seconds.__getitem__)
    assert dtype_of("auto") is expected
    assert dtype_of("bfloat16") is torch.bfloat16 and dtype_of("float32") is torch.float32


def test_a_card_multiplies_in_bf16_and_is_not_asked():
    assert dtype_of("auto", "cuda") is torch.bfloat16


def test_the_real_trial_names_one_of_the_two():
    assert dtype_of("auto") in (torch.float32, torch.bfloat16)


@pytest.mark.parametrize("name", ["fp16", "nn", "half_float"])
def test_a_name_that_is_no_dtype_is_refused_by_name(name):
    with pytest.raises(ValueError, match=f"{name} is no dtype: try auto, bfloat16 or float32"):
        dtype_of(name)
