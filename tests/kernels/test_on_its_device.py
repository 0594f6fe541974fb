"""Triton launches on the current card: every launcher makes that its tensors' own first."""

from contextlib import nullcontext

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from kernels import (
    candidates,
    commit,
    draw,
    merge,
    point_thresholds,
    residual,
    thresholds,
    top_entries,
    tree_attention,
    walk,
)
from kernels.device import on_its_device

JUDGING = (draw, point_thresholds, residual, thresholds, walk)
MODULES = (*JUDGING, candidates, commit, merge, top_entries, tree_attention)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_launcher_is_guarded(module):
    names = [name for name in vars(module) if name.endswith("_triton")]
    own = [name for name in names if vars(module)[name].__module__ == module.__name__]
    assert own and all(hasattr(vars(module)[name], "__wrapped__") for name in own)


@pytest.mark.parametrize("wrap", [lambda tensor: (3, tensor), lambda tensor: ((tensor,), 3)])
def test_the_card_is_that_of_the_first_tensor(wrap, monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, "device", lambda device: asked.append(device) or nullcontext())
    launch = on_its_device(lambda *_: "launched")
    with FakeTensorMode():
        there = torch.empty(2, device="cuda:1")
    assert launch(*wrap(there)) == "launched" and asked == [torch.device("cuda:1")]
    assert launch(torch.ones(1)) == "launched" and len(asked) == 1  # a host has no cards
