"""What ships stays as it is until all that replaces it is there."""

import json

import pytest

from tests.train import test_draft
from tests.train.tiny_shelf import KIND, run_settings, ship_settings, tiny_shelf
from train import card, ship
from train.draft import train as train_draft
from train.heads import train
from train.replaced import replaced


def contents(folder):
    """Name -> bytes of all files below ``folder``."""
    found = folder.rglob("*")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if path.is_file()}


def test_a_folder_is_replaced_whole(tmp_path):
    for number in range(2):
        with replaced(tmp_path / "a" / "b") as folder:
            (folder / str(number)).write_text("x")
            assert [path.name for path in (tmp_path / "a").glob("b/*")] == ["0"] * number
    assert contents(tmp_path) == {"a/b/1": b"x"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_where_writing_fails_all_stays(error, tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "kept").write_text("x")
    with pytest.raises(error), replaced(tmp_path / "b") as folder:
        (folder / "part").write_text("y")
        raise error
    assert contents(tmp_path) == {"b/kept": b"x"} and len(list(tmp_path.iterdir())) == 1


def test_what_was_killed_between_its_two_names_is_found_again(tmp_path):
    (tmp_path / "b.old").mkdir()
    (tmp_path / "b.old" / "kept").write_text("x")
    (tmp_path / "b.new").mkdir()
    with pytest.raises(ValueError), replaced(tmp_path / "b"):
        raise ValueError
    assert contents(tmp_path) == {"b/kept": b"x"}


def fails(*_):
    """A measurement that comes to no end."""
    raise KeyboardInterrupt


def test_heads_that_are_not_measured_to_the_end_do_not_ship(tmp_path, monkeypatch):
    home = tiny_shelf(tmp_path)
    kept = contents(home / "drafters")
    train(run_settings(home, KIND, shipped=home / "drafters" / KIND))
    monkeypatch.setattr(ship, "greedy_chances", fails)
    with pytest.raises(KeyboardInterrupt):
        ship.ship(ship_settings(home, KIND))
    assert contents(home / "drafters") == kept


def test_nor_does_such_a_draft_model(tmp_path, monkeypatch):
    monkeypatch.setattr("train.training.Shape", test_draft.small_shape)
    monkeypatch.setattr("train.draft.Shape", test_draft.small_shape)
    monkeypatch.setattr(card, "greedy_chances", fails)
    home = tiny_shelf(tmp_path)
    train_draft(test_draft.settings(home, home / "runs" / "draft"))
    (home / "drafters" / "draft").mkdir()
    (home / "drafters" / "draft" / "model.safetensors").write_text("the one before")
    kept = contents(home / "drafters")
    told = ship_settings(home, "draft")
    told.out = home / "drafters" / "draft"
    with pytest.raises(KeyboardInterrupt):
        card.card(told)
    assert contents(home / "drafters") == kept


@pytest.mark.parametrize(("device", "named"), [("cpu", "one CPU core"), ("cuda", "a cuda device")])
def test_a_card_names_the_machine_of_the_training_and_not_of_the_shipping(device, named, tmp_path):
    home = tiny_shelf(tmp_path)
    path = home / "runs" / "first" / "settings.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"device": device}))
    ship.ship(ship_settings(home, "first"))
    text = (home / "drafters" / KIND / "README.md").read_text("utf-8")
    assert f"the last training on {named}." in text
