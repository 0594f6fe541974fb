"""``python -m bench``: told what to measure, or why it cannot."""

import subprocess
import sys

from bench.__main__ import PARTS


def told(*arguments):
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_asking_for_help_measures_nothing():
    run = told("--help")
    assert run.returncode == 0 and "==" not in run.stdout
    assert all(part in run.stdout for part in PARTS)


def test_a_part_that_there_is_not_is_named_with_those_there_are():
    run = told("spead")
    assert run.returncode == 2 and run.stdout == ""
    assert "no part 'spead'" in run.stderr and "speed" in run.stderr
