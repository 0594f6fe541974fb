"""The draft model's training on several stores, and one that goes on from a shipped folder."""

import argparse
import json

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM

from engine.heads.trees import read_trees
from tests.train.tiny_text import VOCAB, tiny_part, tiny_target
from train.card import card, write_weights
from train.draft import begin, train
from train.labels import open_stores
from train.newborn import Shape
from train.onward import write_history
from train.standalone import Standalone


def settings(folder, out, **told):
    names = dict(steps=4, tokens=40, rate=1e-2, warmup=2, decay=0.5, hard=0.2, common=8, random=4)
    names |= dict(
        threads=1, layers=1, intermediate=16, held=2, minutes=1e9, autocast=False, shipped=None
    )
    names |= dict(labels=[folder / "labels"], target=str(folder / "target"), out=out)
    return argparse.Namespace(**(names | dict(device="cpu", seed=0) | told))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A target with two stores of its answers."""
    monkeypatch.setattr("train.draft.Shape", small_shape)
    target = tiny_target()
    target.save_pretrained(tmp_path / "target")
    for seed, name in enumerate(("replies", "own/0000")):
        tiny_part(target, tmp_path / "labels" / name, rows=25, seed=seed)
    return tmp_path


def small_shape(layers, intermediate):
    return Shape(hidden=8, layers=layers, heads=2, kv_heads=1, intermediate=intermediate)


def test_every_store_below_a_folder_is_trained_on(home):
    stores = open_stores([home / "labels"])
    assert [len(store) for store in stores] == [25, 25]
    assert len({store.ids.tobytes() for store in stores}) == 2


def test_a_draft_model_goes_on_with_the_weights_and_counts_that_were_shipped(home):
    told = settings(home, home / "first")
    train(told)
    first, _ = begin(told, open_stores(told.labels))
    write_weights(first, home / "shipped")
    write_history(first, home / "shipped")
    onward = settings(home, home / "second", shipped=home / "shipped")
    second, _ = begin(onward, open_stores(onward.labels))
    assert (second.step, second.steps_before) == (0, 4)
    assert second.tokens == first.tokens > 0
    shipped = LlamaForCausalLM.from_pretrained(home / "shipped", dtype=torch.float32)
    ids = torch.arange(VOCAB)[None]
    assert torch.equal(second.model.eval()(ids).logits, shipped(ids).logits)
    train(onward)
    again, _ = begin(onward, open_stores(onward.labels))
    assert again.tokens > second.tokens and again.step == 4


def test_a_draft_model_that_learnt_for_longer_is_not_shipped_over(home, monkeypatch):
    """With ``--force`` shipping comes as far as the questions, which are not there."""
    monkeypatch.setattr("train.training.Shape", small_shape)
    run, out = home / "run", home / "out"
    told = dict(run=run, out=out, labels=[home / "labels"], target=str(home / "target"))
    told |= dict(held=2, prompts=home / "none.jsonl", new_tokens=4, bench=home / "bench", mean=None)
    with pytest.raises(SystemExit, match="no checkpoint yet"):
        card(argparse.Namespace(**told, force=False))
    train(settings(home, run))
    out.mkdir()
    (out / "training.json").write_text('{"steps": 5}')
    with pytest.raises(SystemExit, match=r"for 5 steps .* counts 4: only --force"):
        card(argparse.Namespace(**told, force=False))
    with pytest.raises(SystemExit, match=r"none\.jsonl.*not part of this project, --prompts"):
        card(argparse.Namespace(**told, force=True))
    assert [path.name for path in out.iterdir()] == ["training.json"]


def test_a_draft_model_is_shipped_with_its_trees_and_what_they_bring(home, monkeypatch):
    monkeypatch.setattr("train.training.Shape", small_shape)
    run, out = home / "run", home / "out"
    train(settings(home, run))
    (home / "bench").mkdir()
    kept = home / "bench" / "target_questions_4.npz"  # as if the questions were answered already
    np.savez(kept, first=[3, 3], **{"0": np.arange(8), "1": np.arange(9)})
    told = dict(run=run, out=out, labels=[home / "labels"], target=str(home / "target"))
    told |= dict(
        held=2, prompts=home / "questions.jsonl", new_tokens=4, bench=home / "bench", mean=None
    )
    card(argparse.Namespace(**told, force=False))
    trees, text = read_trees(out), (out / "README.md").read_text("utf-8")
    assert set(trees.top.by_size) == {4, 8, 16, 32, 64} == set(trees.sampled.by_size)
    assert len(trees.top.chances) == len(trees.sampled.chances) == Standalone.max_ahead
    for name in ("held-out answers", "MT-bench"):
        rows = [line.split(" | ") for line in text.splitlines() if line.startswith(f"| {name} | ")]
        assert [row[1] for row in rows[:2]] == ["chain of 4", "tree of 4"] and len(rows) == 6
        assert all(1.0 <= float(row[2]) <= 7.0 for row in rows)
    assert json.loads((out / "training.json").read_text())["steps"] == 4
    assert "in the last\n  training 48 of them" in text  # of 2 x 25: one each is held out
    assert "**Weights**" not in text
    before = LlamaForCausalLM.from_pretrained(out, dtype=torch.float32)
    for weight in before.parameters():
        weight.data += 1
    before.save_pretrained(home / "before")
    card(argparse.Namespace(**told | {"mean": home / "before"}, force=False))
    assert "the mean of those before and after" in (out / "README.md").read_text("utf-8")
    after = LlamaForCausalLM.from_pretrained(out, dtype=torch.float32).model.norm.weight
    assert torch.allclose(after, before.model.norm.weight - 0.5, atol=1e-2)


def test_a_draft_model_that_goes_on_keeps_its_shape_and_says_so(home):
    train(settings(home, home / "first"))
    first, _ = begin(settings(home, home / "first"), open_stores([home / "labels"]))
    write_weights(first, home / "shipped")
    asked = settings(home, home / "second", shipped=home / "shipped", layers=3, intermediate=40)
    second, _ = begin(asked, open_stores(asked.labels))
    assert len(second.model.model.layers) == asked.layers == 1 and asked.intermediate == 16
