"""Which implementation runs: what was asked for, only where it is right."""

import pytest
import torch
from torch.nn.attention import flex_attention

import kernels.trials
from kernels.choice import choose
from kernels.trials import fault, flex_fault

CPU = torch.device("cpu")
SHAPE = (torch.float32, 64, 3, 64)


@pytest.fixture(autouse=True)
def _afresh(monkeypatch):
    fault.cache_clear()
    flex_fault.cache_clear()
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", "triton")
    monkeypatch.setattr("kernels.device._refused", {})
    monkeypatch.setattr(flex_attention, "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG", True)
    yield
    fault.cache_clear()
    flex_fault.cache_clear()


def test_kernels_that_are_right_are_chosen():
    assert choose(CPU, *SHAPE) == ("triton", "asked for")


@pytest.mark.parametrize("name", ["tree_attention_triton", "accept_triton", "commit_triton"])
def test_a_kernel_that_fails_is_not_used_and_the_reason_is_told(name, monkeypatch):
    def failing(*_, **__):
        raise RuntimeError("first line\nptxas gave up")

    monkeypatch.setattr(kernels.trials, name, failing)
    path, reason = choose(CPU, *SHAPE)
    assert path == "reference" and "ptxas gave up" in reason


@pytest.mark.parametrize("name", ["tree_attention_triton", "accept_triton", "commit_triton"])
def test_a_kernel_that_is_wrong_is_not_used(name, monkeypatch):
    right = getattr(kernels.trials, name)

    def wrong(*arguments, **options):
        found = right(*arguments, **options)
        changed = arguments[0] if found is None else found[0]
        changed.view(-1)[changed.numel() // 2] += 1
        return found

    monkeypatch.setattr(kernels.trials, name, wrong)
    path, reason = choose(CPU, *SHAPE)
    assert path == "reference" and "wrong result" in reason
    assert choose(CPU, *SHAPE).path == "reference"


def test_what_was_asked_for_is_what_runs(monkeypatch):
    for asked in ("reference", "flex"):
        monkeypatch.setenv("SPECULOSCOPE_KERNELS", asked)
        assert choose(CPU, *SHAPE) == (asked, "asked for")
