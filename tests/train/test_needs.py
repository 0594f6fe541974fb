"""One sentence where something is missing, not a traceback."""

import argparse

import pytest

from tests.train import test_draft, test_heads
from tests.train.tiny_text import tiny_part, tiny_target
from train import draft, heads
from train.collect import collect
from train.corpus import PARTS, read_chats
from train.generate import generate, questions
from train.labels import open_stores
from train.measure import bench_answers
from train.state_feed import open_parts
from train.training import revive

FOREIGN = "not part of this project, --"


@pytest.mark.parametrize("part", PARTS)
def test_a_corpus_that_is_missing_is_named(part, tmp_path):
    with pytest.raises(SystemExit, match=rf"{tmp_path}.*\.xz.*{FOREIGN}corpus"):
        next(read_chats(tmp_path, part))


def test_requests_that_are_missing_are_named(tmp_path):
    with pytest.raises(SystemExit, match=rf"{tmp_path}.*\.xz.*{FOREIGN}corpus"):
        next(questions(tmp_path, 0, 3, 0))


def test_questions_that_are_missing_are_named(tmp_path):
    with pytest.raises(SystemExit, match=rf"{tmp_path}/mt\.jsonl.*{FOREIGN}prompts"):
        bench_answers(str(tmp_path), tmp_path / "mt.jsonl", 8, tmp_path / "bench")


@pytest.mark.parametrize("opened", [open_stores, open_parts])
def test_a_label_folder_without_labels_is_named(opened, tmp_path):
    tiny_part(tiny_target(), tmp_path / "labels" / "part", rows=1)
    assert len(opened([tmp_path / "labels"])) == 1
    with pytest.raises(SystemExit, match=rf"no labels in {tmp_path}/none: .*--labels"):
        opened([tmp_path / "labels", tmp_path / "none"])


def test_a_target_that_is_missing_is_named_by_every_step(tmp_path):
    tiny_part(tiny_target(), tmp_path / "labels" / "part", rows=40)
    told = dict(target=str(tmp_path / "target"), device="cpu", dtype="float32")
    (tmp_path / "mt.jsonl").touch()
    (tmp_path / "settings.json").write_text(
        f'{{"target": "{tmp_path}/target", "layers": 1, "intermediate": 8}}'
    )
    for step in (
        lambda: collect(argparse.Namespace(**told)),
        lambda: generate(argparse.Namespace(**told)),
        lambda: draft.train(test_draft.settings(tmp_path, tmp_path / "out")),
        lambda: heads.train(test_heads.settings(tmp_path, tmp_path / "out", kind="medusa")),
        lambda: bench_answers(told["target"], tmp_path / "mt.jsonl", 8, tmp_path / "bench"),
        lambda: revive(tmp_path),
    ):
        with pytest.raises(SystemExit, match=rf"no folder {tmp_path}/target .*--target"):
            step()
