"""What a training went on from is averaged with it: once, however often it is shipped."""

from pathlib import Path

import pytest
import torch

from tests.train.test_onward import plain_weights
from tests.train.test_steps import DRAFTERS, after, shelf
from tests.train.tiny_shelf import KIND, run_settings, ship_settings, shipped_weights, tiny_shelf
from train.__main__ import steps
from train.heads import FAMILIES, begin, train
from train.onward import MEAN
from train.ship import ship
from train.state_feed import open_parts


def shipping(kind, *told, **named):
    """The words that ship ``kind``."""
    module = ("card",) if kind == "draft" else ("ship", kind)
    (words,) = (step for step in steps(*told, **named) if step[: len(module)] == module)
    return words


@pytest.mark.parametrize("is_fresh", [False, True])
@pytest.mark.parametrize("kind", DRAFTERS)
def test_what_went_on_from_shipped_weights_is_averaged_with_them(kind, is_fresh, tmp_path):
    words = shipping(kind, tmp_path / "runs", shelf(tmp_path / "shelf"), is_fresh=is_fresh)
    assert ("--mean" in words) != is_fresh
    assert is_fresh or after(words, "--mean") == str(tmp_path / "runs" / kind / "before")


@pytest.mark.parametrize("kind", DRAFTERS)
def test_a_run_that_kept_no_weights_is_averaged_with_the_shipped_ones(kind, tmp_path):
    """Where these count other steps than it went on from, shipping ends with a sentence."""
    run = tmp_path / "runs" / kind
    run.mkdir(parents=True)
    (run / "checkpoint.pt").touch()
    (run / "settings.json").write_text('{"shipped": "shelf"}')
    words = shipping(kind, tmp_path / "runs", shelf(tmp_path / "shelf"))
    assert after(words, "--mean") == str(tmp_path / "shelf" / kind)


@pytest.fixture
def home(tmp_path):
    """Heads that are shipped, with all that is needed to go on from them."""
    return tiny_shelf(tmp_path)


def make_train(home):
    """As ``make train`` trains and ships these heads."""
    for step in steps(home / "runs", home / "drafters"):
        if step[:2] == ("heads", KIND):
            train(run_settings(home, KIND, shipped=Path(after(step, "--shipped"))))
        if step[:2] == ("ship", KIND):
            ship(ship_settings(home, KIND, Path(after(step, "--mean"))))


def test_shipping_twice_ships_the_same_mean(home):
    before = shipped_weights(home)
    make_train(home)
    once, card = shipped_weights(home), (home / "drafters" / KIND / "README.md").read_text("utf-8")
    told = run_settings(home, KIND)
    head = begin(FAMILIES[KIND], open_parts(told.labels), told)[0].model
    trained = plain_weights(head)
    make_train(home)
    assert MEAN in card and (home / "drafters" / KIND / "README.md").read_text("utf-8") == card
    for name, weight in shipped_weights(home).items():
        assert torch.equal(weight, once[name]), name
        assert not torch.allclose(before[name], trained[name], rtol=1e-2, atol=1e-4), name
        half_way = (before[name] + trained[name]) / 2
        assert torch.allclose(weight, half_way, rtol=1e-2, atol=1e-6), name


def test_a_mean_is_no_part_of_itself(home):
    """By hand too: what was shipped counts the steps of the training by then."""
    shelf = home / "drafters" / KIND
    train(run_settings(home, KIND, shipped=shelf))
    ship(ship_settings(home, KIND, shelf))
    once = shipped_weights(home)
    with pytest.raises(SystemExit, match=r"for 8 steps and .* of 2: only .*/medusa/before keeps"):
        ship(ship_settings(home, KIND, shelf, is_forced=True))
    assert all(torch.equal(weight, once[name]) for name, weight in shipped_weights(home).items())


def test_a_training_that_goes_on_keeps_what_it_began_with(home):
    shelf, run = home / "drafters" / KIND, home / "runs" / KIND
    train(run_settings(home, KIND, shipped=shelf, stop=3))
    kept = (run / "before" / "model.safetensors").read_bytes()
    assert kept == (shelf / "model.safetensors").read_bytes()
    (shelf / "model.safetensors").write_bytes(b"another")
    train(run_settings(home, KIND, shipped=shelf))
    assert (run / "before" / "model.safetensors").read_bytes() == kept
