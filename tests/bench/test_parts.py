"""``python -m bench``: told what to measure, or why it cannot."""

import subprocess
import sys

import pytest

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
