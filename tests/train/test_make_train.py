"""``python -m train``: what it runs, where, and what it says before the first step."""

import sys
from types import SimpleNamespace

import pytest

from tests.train.test_steps import DRAFTERS, after
from train.__main__ import FEW, main

NEEDED = ["corpus/smollm2_replies.jsonl.xz", "corpus/prompts.jsonl.xz", "prompts", "target/x"]


def needed(folder):
    """Options that name what is needed, all of which lies in ``folder``."""
    for name in NEEDED:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    return [word for name in ("corpus", "prompts", "target") for word in (f"--{name}", name)]


def commands(words, folder, monkeypatch):
    """What ``python -m train`` runs with ``words`` where all it needs lies in ``folder``."""
    begun = []
    monkeypatch.setattr(
        "subprocess.run", lambda command: begun.append(command) or SimpleNamespace(returncode=0)
    )
    said = needed(folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["train", *said, *words])
    main()
    return [command[2:] for command in begun]


@pytest.mark.parametrize(
    ("words", "is_usual", "home"),
    [
        (["--trial"], True, "runs/trial/"),
        ([], False, "runs/targets/target/"),
        (["--trial"], False, "runs/trial/targets/target/"),
    ],
)
def test_trials_and_other_targets_read_and_write_nothing_outside_their_folder(
    words, is_usual, home, tmp_path, monkeypatch
):
    if is_usual:
        monkeypatch.setattr("train.__main__.TARGET", str(tmp_path / "target"))
    told = commands(words, tmp_path, monkeypatch)
    assert len(told) == 3 + 2 * len(DRAFTERS)
    for command in told:
        paths = [word for word in command if "/" in word]
        assert paths and all(path.startswith(home) for path in paths), command
        few = FEW[command[0].removeprefix("train.")]
        assert ("--trial" in words) == (list(few) == command[-len(few) :])


def test_the_usual_target_ships_where_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("train.__main__.TARGET", str(tmp_path / "target"))
    shipping = commands([], tmp_path, monkeypatch)[4::2]
    found = {after(words, "--out") for words in shipping}
    assert found == {f"assets/drafters/{kind}" for kind in DRAFTERS}
    assert all(after(words, "--run").startswith("runs/") for words in shipping)


@pytest.mark.parametrize(("missing", "option"), [(name, name.split("/")[0]) for name in NEEDED])
def test_what_is_missing_is_said_before_the_first_step(missing, option, tmp_path, monkeypatch):
    said = needed(tmp_path)
    (tmp_path / missing).unlink()
    if option == "target":
        (tmp_path / option).rmdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train", *said])
    monkeypatch.setattr("subprocess.run", lambda *_: pytest.fail("a step has begun"))
    with pytest.raises(SystemExit, match=f"there is no .*{option}.*--{option}"):
        main()


def test_a_step_that_fails_ends_all_with_its_own_words(tmp_path, monkeypatch):
    begun, failed = [], SimpleNamespace(returncode=3)
    monkeypatch.setattr("subprocess.run", lambda command: begun.append(command) or failed)
    said = needed(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train", *said])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 3 and len(begun) == 1
