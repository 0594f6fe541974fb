import argparse
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from train.newborn import Shape, new_draft, shorten
from train.training import Training, make_optimizers, rate_at, take_up

SHAPE = Shape(hidden=8, layers=2, heads=2, kv_heads=1, intermediate=16)


@pytest.fixture(scope="module")
def target():
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=30,
        hidden_size=12,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config)


def training_of(target, seed):
    torch.manual_seed(seed)
    model = new_draft(target, np.ones(30), SHAPE)
    return Training(model, make_optimizers(model, 1e-2), torch.Generator().manual_seed(seed))


def step(training):
    ids = torch.randint(30, (2, 6), generator=training.generator)
    training.model(ids, labels=ids).loss.backward()
    for optimizer in training.optimizers:
        optimizer.step()
        optimizer.zero_grad()
    training.step += 1


def test_a_training_goes_on_from_its_checkpoint_as_if_never_stopped(target, tmp_path):
    whole, again = training_of(target, 1), training_of(target, 2)
    for _ in range(3):
        step(whole)
    whole.save(tmp_path / "checkpoint.pt")
    again.load(tmp_path / "checkpoint.pt")
    for training in (whole, again):
        step(training)
    assert again.step == whole.step == 4
    for kept, other in zip(whole.model.parameters(), again.model.parameters(), strict=True):
        assert kept.equal(other)


def test_every_parameter_has_one_optimiser(target):
    training = training_of(target, 0)
    held = [p for o in training.optimizers for group in o.param_groups for p in group["params"]]
    assert {id(p) for p in held} == {id(p) for p in training.model.parameters()}
    assert len(held) == len({id(p) for p in held})


def test_the_shortened_embedding_keeps_what_lies_in_few_directions():
    words = torch.randn(30, 4) @ torch.randn(4, 12)
    short, centred = shorten(words, np.ones(30), 4), words - words.mean(0)
    assert torch.allclose(short @ short.T, centred @ centred.T, atol=1e-3)


def test_the_learning_rate_rises_stays_and_falls_to_nothing():
    rates = [rate_at(i, 100, 10, 0.2) for i in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[10:81] == [1.0] * 71
    assert rates[90] == pytest.approx(0.5) and rates[100] == 0.0


def test_without_a_warm_up_the_rate_is_whole_at_once():
    assert rate_at(0, 100, 0, 0.5) == 1.0


def test_what_a_run_was_told_stays_where_nothing_is_left_to_train(target, tmp_path, capsys):
    training, told = training_of(target, 0), argparse.Namespace(out=tmp_path, shipped=None, rate=1)
    take_up(training, told, 4, held=1)
    training.step = 4
    take_up(training, argparse.Namespace(out=tmp_path, shipped="there", rate=2), 4, held=1)
    assert json.loads((tmp_path / "settings.json").read_text())["rate"] == 1
    assert capsys.readouterr().out == f"goes on from step 4 of {tmp_path}; there is not read\n"


def test_a_training_that_could_not_be_measured_does_not_begin(target, tmp_path):
    told = argparse.Namespace(out=tmp_path / "run", labels=[tmp_path])
    with pytest.raises(SystemExit, match="is held out: collect or generate more"):
        take_up(training_of(target, 0), told, 4, held=0)
    assert not told.out.exists()


def test_a_checkpoint_of_another_shape_or_of_other_optimisers_is_refused_in_a_sentence(
    target, tmp_path
):
    training_of(target, 1).save(tmp_path / "checkpoint.pt")
    model = new_draft(target, np.ones(30), replace(SHAPE, layers=1))
    smaller = Training(model, make_optimizers(model, 1e-2), torch.Generator())
    model = new_draft(target, np.ones(30), SHAPE)
    plainer = Training(model, make_optimizers(model, 1e-2, use_muon=False), torch.Generator())
    for other in (smaller, plainer):
        with pytest.raises(SystemExit, match="of another shape or with other optimisers"):
            other.load(tmp_path / "checkpoint.pt")
