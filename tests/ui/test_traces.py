"""The shelf of recorded runs, as the page asks for it on every load."""

import os

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from engine.trace import Trace
from tests.page import synthetic
from ui import traces
from ui.messages import problem_of
from ui.player import routes


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
    assert len(read) == 2 and row["title"].endswith("Another prompt · T 0.7")


def test_a_run_that_another_file_replaced_plays_anew(shelf):
    first = traces.recorded_lines("one")
    assert traces.recorded_lines("one") is first
    Trace(synthetic.header("Another prompt"), ()).save(shelf / "one.jsonl")
    os.utime(shelf / "one.jsonl", ns=(0, 10**18))
    assert "Another prompt" in traces.recorded_lines("one") and "Another prompt" not in first
    with pytest.raises(KeyError):
        traces.recorded_lines("none")


def test_a_recorded_run_travels_deflated_to_who_can_read_that_and_plain_to_others(shelf):
    client = TestClient(Starlette(routes=routes()))
    small = client.get("/own/traces/one", headers={"Accept-Encoding": "gzip, br"})
    plain = client.get("/own/traces/one", headers={"Accept-Encoding": "identity"})
    assert small.text == plain.text == traces.recorded_lines("one")
    assert small.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert int(small.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert client.get("/own/traces/none").status_code == 404


def test_a_file_without_a_round_is_refused_and_the_run_before_it_stands(tmp_path):
    """Its header alone would leave an empty stage."""
    Trace(synthetic.header("A prompt"), ()).save(tmp_path / "run.jsonl")
    *_, last = traces.open_file(tmp_path / "run.jsonl")
    assert "holds no round" in problem_of(last)


@pytest.mark.parametrize(("lines", "is_refused"), [(4096 + 2, False), (4096 + 3, True)])
def test_a_file_of_more_rounds_than_the_page_plays_is_refused_unread(lines, is_refused, tmp_path):
    (tmp_path / "run.jsonl").write_text("{}\n" * lines)
    *_, last = traces.open_file(tmp_path / "run.jsonl")
    words = problem_of(last)
    assert ("the page plays up to 4,096" in words) == is_refused
    assert is_refused or "line 1" in words
