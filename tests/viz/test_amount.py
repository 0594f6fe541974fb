"""Amounts as they stand in a sentence."""

import pytest

from viz.amount import milliseconds


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 ms"), (0.046, "46 ms"), (0.9994, "999 ms"), (0.9996, "1.0 s"), (9.518, "9.5 s")],
)
def test_seconds_stand_in_milliseconds_up_to_one(seconds, words):
    assert milliseconds(seconds) == words
