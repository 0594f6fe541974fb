"""Losses against the papers' formulas in a few lines, and trainings that are broken off."""

import argparse

import pytest
import torch

from engine.heads.hydra import HydraHeads
from engine.heads.medusa import MedusaHeads
from tests.train.tiny_text import SIZE, VOCAB, tiny_part, tiny_target
from train.eagle import Eagle
from train.eagle3 import Eagle3
from train.family import Aids, ScaledLinear, after, swap_scaled
from train.heads import FAMILIES, Speech, batch_loss, train
from train.hydra import Hydra
from train.medusa import Medusa
from train.state_feed import gather_states
from train.training import Training

K = 4


@pytest.fixture(scope="module")
def target():
    return tiny_target()


@pytest.fixture(scope="module")
def part(target, tmp_path_factory):
    return tiny_part(target, tmp_path_factory.mktemp("labels"))


def loss_of(family, head, batch, target):
    words = target.get_input_embeddings().weight
    told = argparse.Namespace(hard=0.0, random=0, autocast=False)
    training = Training(head, [], torch.Generator())
    return batch_loss(training, family, batch, Speech(words, torch.arange(VOCAB)), told)


def cross_entropy(part, row, label, logits):
    """Of the target's law for the token after ``label`` against the draft's."""
    span = part.labels.span(row)
    law = torch.zeros(VOCAB).scatter_(
        0,
        torch.from_numpy(part.labels.top_ids[span][label]).long(),
        torch.from_numpy(part.labels.top_logprobs[span][label]).float().exp(),
    )
    return -(law * logits.log_softmax(-1)).sum()


def weighted(part, rows, guess):
    """0.8^k-weighted mean over heads of the mean over the places that a decoder drafts from."""
    total = 0.0
    for ahead in range(K):
        found = []
        for line, row in enumerate(rows):
            first, stop = int(part.labels.first[row]), len(part.labels.row_ids(row))
            for t in range(first - 2, stop):
                if first <= t + 2 + ahead < stop:  # the token asked for is the assistant's
                    found.append(cross_entropy(part, row, t + 1 + ahead, guess(line, t, ahead)))
        total += 0.8**ahead * torch.stack(found).mean()
    return total / sum(0.8**ahead for ahead in range(K))


def randomised(head):
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in head.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * 0.2)
    return head


def test_medusas_loss_is_that_of_its_paper(target, part):
    rows, words = [0, 1, 2], target.get_input_embeddings().weight
    batch, head = gather_states(part, rows, Medusa.columns), randomised(MedusaHeads(SIZE, K))

    def guess(line, t, ahead):
        state, block = batch.states[line, t], head[ahead][0]
        return words @ (state + torch.nn.functional.silu(block.linear(state)))

    expected = weighted(part, rows, guess)
    assert torch.allclose(loss_of(Medusa(), head, batch, target), expected, atol=1e-3)


def test_hydras_loss_reads_the_texts_own_tokens_with_the_papers_shift(target, part):
    rows, words = [3, 4], target.get_input_embeddings().weight
    batch, head = gather_states(part, rows, Hydra.columns), randomised(HydraHeads(SIZE, K))

    def guess(line, t, ahead):
        before = words[batch.ids[line, t + 1 : t + 2 + ahead]].flatten()  # t + 1 ... t + 1 + i
        return words @ head.hydra_mlp[ahead][0](torch.cat([batch.states[line, t], before]))

    expected = weighted(part, rows, guess)
    assert torch.allclose(loss_of(Hydra(), head, batch, target), expected, atol=1e-3)


@pytest.mark.parametrize("kind", [Eagle, Eagle3])
def test_a_feature_head_is_fed_its_own_features_from_the_second_step_on(kind, target, part):
    """Step i at t is what a plain pass gives over true features up to t and i own ones."""
    family = kind() if kind is Eagle else kind(vocab=9)
    words = target.get_input_embeddings().weight
    batch = gather_states(part, [5], family.columns)
    aids = Aids(target, torch.arange(VOCAB), torch.ones(batch.states.shape[-1]), [])
    head, true = randomised(family.new(aids)), None
    with torch.no_grad():
        true, following = head.fuse(batch.states), after(batch.ids, words, 3)
        guesses = list(family.guesses(head, batch, following, 3))
        for t in range(1, batch.ids.shape[1] - 4):
            features = true[:, : t + 1]
            for guess in guesses:
                rows = features.shape[1]
                found = head(features, following[:, :rows], torch.arange(rows)[None])
                features = torch.cat([features, found[:, -1:]], 1)
                place = int(guess.asked[0, :t].sum())
                if guess.asked[0, t]:
                    wanted = head.to_head(found[0, -1])
                    assert torch.allclose(guess.hidden[place], wanted, atol=1e-4)


def test_eagles_penalty_is_the_distance_of_scaled_features(target, part):
    family, words = Eagle(weight=2.0), target.get_input_embeddings().weight
    batch, scale = gather_states(part, [6], Eagle.columns), torch.linspace(0.5, 2, SIZE)
    head = randomised(family.new(Aids(target, torch.arange(VOCAB), scale, [])))
    guess = next(family.guesses(head, batch, after(batch.ids, words, 3), 3))
    at = guess.asked[0].nonzero()[:, 0]
    off = (guess.hidden - batch.states[0, at + 1]) / scale
    huber = torch.where(off.abs() < 1, off**2 / 2, off.abs() - 0.5).mean()
    assert torch.allclose(guess.penalty, 2 * huber, atol=1e-4)


def test_a_scaled_layer_is_its_plain_one_before_and_after():
    plain, rows = torch.nn.Linear(3, 2), torch.randn(4, 3)
    parent = torch.nn.ModuleDict({"a": ScaledLinear(plain, torch.tensor([0.1, 1.0, 30.0]))})
    assert torch.allclose(parent["a"](rows), plain(rows), atol=1e-5)
    swap_scaled(parent)
    assert type(parent["a"]) is torch.nn.Linear
    assert torch.allclose(parent["a"](rows), plain(rows), atol=1e-5)


def settings(folder, out, **told):
    names = dict(steps=6, tokens=40, rate=1e-2, muon=True, warmup=2, decay=0.5, hard=0.2)
    names |= dict(
        stop=0,
        base=None,
        shipped=None,
        common=8,
        random=4,
        sample=4,
        held=2,
        minutes=1e9,
        autocast=False,
    )
    names |= dict(labels=[folder], target=str(folder / "target"), out=out, device="cpu", seed=0)
    return argparse.Namespace(**(names | told))


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_training_broken_off_goes_on_as_if_it_had_not_been(kind, target, tmp_path, monkeypatch):
    if kind == "eagle3":
        monkeypatch.setitem(FAMILIES, kind, Eagle3(vocab=12))
    tiny_part(target, tmp_path / "part")
    target.save_pretrained(tmp_path / "target")
    train(settings(tmp_path, tmp_path / "whole", kind=kind))
    train(settings(tmp_path, tmp_path / "parts", kind=kind, steps=6, stop=3))
    train(settings(tmp_path, tmp_path / "parts", kind=kind))
    whole, parts = (
        torch.load(tmp_path / name / "checkpoint.pt", weights_only=True)["model"]
        for name in ("whole", "parts")
    )
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
