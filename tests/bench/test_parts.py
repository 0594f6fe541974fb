"""``python -m bench``: told what to measure, or why it cannot."""

import json
import subprocess
import sys

import pytest

from bench import report, speed
from bench.__main__ import PARTS


def told(*arguments, of="bench"):
    command = [sys.executable, "-m", of, *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_asking_for_help_measures_nothing():
    run = told("--help")
    assert run.returncode == 0 and "==" not in run.stdout
    assert all(part in run.stdout for part in PARTS)


def test_a_part_that_there_is_not_is_named_with_those_there_are():
    run = told("spead")
    assert run.returncode == 2 and run.stdout == ""
    assert "no part 'spead'" in run.stderr and "speed" in run.stderr


@pytest.mark.parametrize("part", [*PARTS, "page", "traces", "accepted"])
def test_every_part_says_what_it_measures_and_measures_nothing(part):
    run = told("--help", of=f"bench.{part}")
    assert run.returncode == 0 and run.stdout.startswith("usage: ")
    assert len(run.stdout.splitlines()) < 60 and run.stderr == ""


@pytest.mark.parametrize(
    ("part", "arguments"), [("traces", ["eagel-code"]), ("speed", ["--methods", "eagel"])]
)
def test_what_there_is_not_is_named_before_anything_is_measured(part, arguments):
    run = told(*arguments, of=f"bench.{part}")
    assert run.returncode == 2 and run.stdout == ""
    assert repr(arguments[-1]) in run.stderr and "eagle" in run.stderr


def test_a_table_that_is_written_for_machines_is_json(tmp_path, monkeypatch):
    """A library that does not say its tokens a pass has none; no figure is ever no number."""
    monkeypatch.setattr(report, "RUNS", tmp_path)
    path = report.write_json("told", {"runs": [speed.Result(3, 1.0)._asdict()]})
    assert json.loads(path.read_text())["runs"][0]["mat"] is None
    with pytest.raises(ValueError, match="not JSON compliant"):
        report.write_json("told", {"mat": float("nan")})
