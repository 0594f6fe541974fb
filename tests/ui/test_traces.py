"""The shelf of recorded runs, as the page asks for it on every load."""

import os

import pytest

from engine.trace import Trace
from tests.page import synthetic
from ui import traces


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    monkeypatch.setattr(traces, "FOLDER", tmp_path)
    synthetic.trace(2, 4, seed=0).save(tmp_path / "one.jsonl")
    return tmp_path


def test_a_file_is_read_once_for_the_shelf_and_again_when_it_has_changed(shelf, monkeypatch):
    read, load = [], Trace.load
    monkeypatch.setattr(Trace, "load", lambda path: read.append(path) or load(path))
    first = traces.recorded()
    assert traces.recorded() == first and len(read) == 1
    other = Trace(synthetic.header("Another prompt"), ())
    other.save(shelf / "one.jsonl")
    os.utime(shelf / "one.jsonl", ns=(0, 10**18))  # a clock too coarse to tell them apart
    (row,) = traces.recorded()
    assert len(read) == 2 and row["title"].endswith("Another prompt")
