"""What one target said is not taken for another's."""

import json

import numpy as np
import pytest

from tests.train import test_draft, test_heads
from tests.train.tiny_text import tiny_part, tiny_target
from train import draft, heads
from train.labels import open_stores
from train.measure import bench_answers
from train.state_feed import open_parts
from train.whose import hold_to_target, target_mark

MINE, OTHERS = "a" * 64, "b" * 64


@pytest.fixture
def home(tmp_path):
    """Two targets of one shape, and what the first of them said."""
    for seed, name in enumerate(("target", "other")):
        tiny_target(seed).save_pretrained(tmp_path / name)
    tiny_part(tiny_target(), tmp_path / "labels" / "part")
    path = tmp_path / "labels" / "part" / "facts.json"
    path.write_text(json.dumps({"target": target_mark(str(tmp_path / "target"))}))
    return tmp_path


def test_weights_tell_targets_of_one_shape_apart(home):
    marks = {target_mark(str(home / name)) for name in ("target", "other")}
    assert len(marks) == 2 and {len(mark) for mark in marks} == {64}


@pytest.mark.parametrize("opened", [open_stores, open_parts])
def test_labels_of_another_target_are_refused(opened, home):
    assert len(opened([home / "labels"], str(home / "target"))) == 1
    with pytest.raises(SystemExit, match=f"{home}/labels/part keeps what another target said"):
        opened([home / "labels"], str(home / "other"))


@pytest.mark.parametrize("opened", [open_stores, open_parts])
def test_labels_that_do_not_say_whose_they_are_are_taken_as_they_are(opened, home):
    (home / "labels" / "part" / "facts.json").write_text("{}")
    assert len(opened([home / "labels"], str(home / "other"))) == 1


def test_no_drafter_learns_from_another_target(home):
    named = dict(target=str(home / "other"), labels=[home / "labels"])
    for learn in (
        lambda: draft.train(test_draft.settings(home, home / "run", **named)),
        lambda: heads.train(test_heads.settings(home, home / "run", kind="medusa", **named)),
    ):
        with pytest.raises(SystemExit, match="another target said"):
            learn()
    assert not (home / "run").exists()


def test_answers_to_questions_are_of_the_target_that_wrote_them(home):
    """Two targets may lie in folders of one name."""
    mine = target_mark(str(home / "target"))
    kept = home / "target_mt_4.npz"
    for mark, is_refused in ((mine, False), (OTHERS, True)):
        np.savez(kept, first=[3], target=mark, **{"0": np.arange(8)})
        told = str(home / "target"), home / "mt.jsonl", 4, home
        if is_refused:
            with pytest.raises(SystemExit, match=f"{kept} keeps what another target said"):
                bench_answers(*told)
        else:
            assert bench_answers(*told)[0].ids.tolist() == list(range(8))


@pytest.mark.parametrize(("kept", "mark"), [(None, MINE), ("", MINE), (OTHERS, ""), (MINE, MINE)])
def test_nothing_is_held_against_what_does_not_say(kept, mark, tmp_path):
    hold_to_target(tmp_path, kept, mark)
