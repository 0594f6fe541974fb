"""What ships: recorded runs that are whole and true, drafters within their size."""

import json
from pathlib import Path

import pytest

from bench.traces import TAKES
from engine import Trace
from ui import traces
from ui.traces import FIRST, STORIES, recorded, recorded_lines

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "assets" / "traces"
NAMES = [path.stem for path in sorted(FOLDER.glob("*.jsonl"))]


@pytest.fixture(autouse=True)
def shelf(monkeypatch):
    """The traces that ship, whatever the page tests have put in their place."""
    monkeypatch.setattr(traces, "FOLDER", FOLDER)


def test_the_recorded_runs_are_those_that_make_traces_records():
    takes = {take.name: take for take in TAKES}
    assert len(NAMES) >= 3 and set(NAMES) <= set(takes)
    assert [run["name"] for run in recorded()] == NAMES
    for name in NAMES:
        assert Trace.load(FOLDER / f"{name}.jsonl").header.method == takes[name].config.method


def test_recorded_runs_are_within_their_sizes():
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert max(sizes.values()) < 80_000 and sum(sizes.values()) < 10**6, sizes


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_run_is_whole_and_says_what_made_it(name):
    trace = Trace.load(FOLDER / f"{name}.jsonl")
    assert trace.is_whole and trace.end.plain is not None
    assert trace.header.target.name == "SmolLM2-135M-Instruct" and trace.header.target.sha256
    assert trace.end.tokens == len(trace.token_ids) and trace.end.rounds == len(trace.rounds)
    if trace.header.config["temperature"] == 0:
        assert trace.end.plain.same_tokens == trace.end.tokens  # exact, and the file says so
    start = len(trace.header.prompt_token)
    for this in trace.rounds:
        assert this.start == start
        start += len(this.emitted)


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_run_plays_without_a_model(name):
    messages = [json.loads(line) for line in recorded_lines(name).split("\n")]
    kinds = [message["kind"] for message in messages]
    assert kinds == ["header", *["round"] * (len(kinds) - 2), "end"]


def test_every_recorded_run_says_what_is_seen_and_one_plays_first():
    runs = recorded()
    assert [run["name"] for run in runs if run["first"]] == [FIRST]
    assert all(str(run["story"]).startswith("A recorded run") for run in runs)
    assert {run["name"] for run in runs} == {take.name for take in TAKES} == STORIES.keys()


def test_no_two_recorded_runs_have_one_title():
    titles = [run["title"] for run in recorded()]
    assert len(set(titles)) == len(titles)


def test_what_the_stories_claim_is_so():
    length = {}
    for name in NAMES:
        trace = Trace.load(FOLDER / f"{name}.jsonl")
        length[name] = len(trace.token_ids) / len(trace.rounds)
    assert length["medusa-story"] < min(length["hydra-story"], length["eagle-story"])
    assert 4 < length["eagle-code"] < 4.5  # three kept, and the extra one
    assert length["plain-sky"] == 1 < length["lookup-sky"] < 1.1 and length["lookup-copy"] > 6
    wide = Trace.load(FOLDER / "wide-tree.jsonl")
    assert {len(this.nodes) for this in wide.rounds[:-1]} == {31}
    assert 1.8 < length["wide-tree"] < 2.3
    seconds = sum(this.seconds.verify for this in wide.rounds) / len(wide.rounds)
    assert 2 < seconds * wide.end.plain.tokens / wide.end.plain.seconds < 3.5


def test_the_first_recorded_run_is_faster_than_plain_decoding_was():
    end = Trace.load(FOLDER / f"{FIRST}.jsonl").end
    assert end.seconds / end.tokens < 0.8 * end.plain.seconds / end.plain.tokens


@pytest.mark.parametrize("name", (FIRST, "draft-tree-sky"))
def test_recorded_runs_that_branch_have_real_laws(name):
    trace = Trace.load(FOLDER / f"{name}.jsonl")
    assert any(len(set(this.nodes.parent)) < len(this.nodes) - 1 for this in trace.rounds)
    assert not trace.header.has_point_mass
    shares = [sum(law.draft) for this in trace.rounds for law in this.laws]
    assert any(0 < share < 1 for share in shares)


def test_drafters_are_within_their_sizes():
    found = (ROOT / "assets" / "drafters").rglob("*")
    sizes = [path.stat().st_size for path in found if path.is_file()]
    assert sizes and max(sizes) <= 25 * 10**6 and sum(sizes) <= 60 * 10**6
