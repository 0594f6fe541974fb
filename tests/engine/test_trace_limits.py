"""A trace file is somebody else's: whatever is in it, a sentence comes out and nothing breaks."""

import gzip
import json
import subprocess
import sys
from dataclasses import replace

import pytest

from engine import Trace, TraceError, trace
from tests.engine.test_trace import a_header, a_round, a_trace

HEADER, ROUND = (trace.to_line(record) for record in (a_header(), a_round()))
END = '{"reason":"eos","rounds":0,"tokens":0,"seconds":0}'
RANKED = ROUND.replace('"rank":[0', '"rank":[9007199254740991')
TIMED = trace.to_line(replace(a_header(), pass_seconds=dict.fromkeys(range(1, 257), 0.1)))
TIMED = TIMED.replace('"256":0.1', ",".join(f'"{n}":0.1' for n in range(256, 301)))
REMEMBERING = HEADER[:-1] + ',"remembered":'
NO_TORCH = """
import sys
sys.modules["torch"] = sys.modules["transformers"] = None  # importing either now fails
from engine import Trace
print(len(Trace.load(sys.argv[1]).rounds))
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.jsonl"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1: the file is empty"),
        ("\n", "line 1: not JSON: Expecting value, column 1$"),
        (f"{HEADER}\n  {ROUND[:-1]}\n{ROUND}\n", rf"line 2: not JSON: .*, column {len(ROUND)}$"),
        ("[]\n", "line 1: not a trace of version 1: version None"),
        ("7\n", "line 1: not a trace"),
        (
            HEADER.replace('"version":1', '"version":2') + "\n",
            "not a trace of version 1: version 2",
        ),
        (HEADER.replace('"version":1', '"version":true') + "\n", "line 1: "),
        (
            HEADER.replace('"version":1', '"version":"' + "1" * 999 + '"') + "\n",
            r"version '1{30,40}$",
        ),
        (f"{HEADER}\n\n{ROUND}\n", "line 2: not JSON"),
        (f"{HEADER}\n{ROUND[:-9]}\n{ROUND}\n", "line 2: not JSON"),
        (f"{HEADER}\n{ROUND.replace('0.125', 'NaN')}\n", "line 2: not JSON: NaN is no number"),
        (f"{HEADER}\n{ROUND.replace('0.125', '-Infinity')}\n", "-Infinity is no number"),
        (f"{HEADER}\n{ROUND.replace('0.125', '1e999')}\n", "expected a finite number"),
        (f"{HEADER}\n{ROUND.replace('0.125', '1e200')}\n", "expected a number below 1e\\+24"),
        (f"{HEADER}\n{RANKED}\n", "node 0 has rank 9007"),
        (TIMED + "\n", "pass_seconds: 300 sizes are timed; at most 256"),
        (REMEMBERING + "-1}\n", "line 1: remembered: -1 tokens; 0 to 2,097,152 are read"),
        (REMEMBERING + "2097153}\n", "line 1: remembered: 2,097,153 tokens"),
        (REMEMBERING + "true}\n", "line 1: remembered: expected int, got True"),
        (f"{HEADER}\n{ROUND.replace('0.125', '9' * 4000)}\n", "line 2: "),
        (f"{HEADER}\n{ROUND.replace('0.125', '9' * 9000)}\n", "line 2: not JSON"),
        (f"{HEADER}\n{'[' * 100_000}\n", "line 2: nested too deeply"),
        (HEADER.replace('"top_k":null', f'"top_k":{"[" * 99}{"]" * 99}') + "\n", "config"),
        (HEADER.replace('"top_k":null', f'"top_k":{"9" * 400}') + "\n", "config"),
        (HEADER.replace('"top_k":null', r'"top_k":"\ud800"') + "\n", "config"),
        (f'{HEADER}\n{{"reason":"eos","rounds":1000000000,"tokens":1,"seconds":0}}\n', "line 2: "),
        (f"{HEADER}\n{END}\n{ROUND}\n", "line 3: the file goes on after its end"),
        (f"{HEADER}\n{END}\nnonsense", "line 3: the file goes on after its end"),
        (HEADER.replace("[5,0]", "[5,-1]") + "\n", "line 1: .*prompt_token holds -1: token ids"),
        (f'{HEADER}\n{{"index":0,{ROUND[1:]}\n', "line 2: not JSON: 'index' stands there twice"),
        (f"{HEADER}\n" + ROUND.replace('"7":', '"3":') + "\n", "line 2: not JSON: '3' stands"),
        (
            f"{HEADER}\n" + ROUND.replace('"7":', '"07":') + "\n",
            "pieces: expected a token id",
        ),
        (f'{HEADER}\n{{"reason":"tired","rounds":0,"tokens":0,"seconds":0}}\n', "line 2: reason"),
    ],
)
def test_nonsense_is_refused_with_its_line(path, text, reason):
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TraceError, match=reason):
        Trace.load(path)


def test_bytes_that_are_no_text_are_refused_with_their_line(path):
    path.write_bytes(f"{HEADER}\n".encode() + b'{"index":"\xff"}\n')
    with pytest.raises(TraceError, match="line 2: not UTF-8"):
        Trace.load(path)


def test_a_zip_bomb_is_never_unpacked(path):
    path.write_bytes(gzip.compress(b"0" * 10**7))
    with pytest.raises(TraceError, match="line 1: not UTF-8"):
        Trace.load(path)


def test_a_file_beyond_the_limit_is_refused_without_being_read(path):
    with path.open("wb") as file:
        file.truncate(2**40)  # sparse: reading it would never end
    with pytest.raises(TraceError, match="1048576 MiB; at most 64"):
        Trace.load(path)


def test_a_line_beyond_the_limit_is_refused(path, monkeypatch):
    monkeypatch.setattr(trace, "MAX_LINE", 2000)
    path.write_text(f"{HEADER}\n{ROUND}\n{' ' * 9999}{ROUND}\n", encoding="utf-8")
    with pytest.raises(TraceError, match="line 3: longer than"):
        Trace.load(path)


def test_more_rounds_than_the_limit_are_refused(path, monkeypatch):
    monkeypatch.setattr(trace, "MAX_ROUNDS", 2)
    a_trace(3).save(path)
    with pytest.raises(TraceError, match="line 4: more than 2 rounds"):
        Trace.load(path)


def test_a_tree_beyond_the_limit_is_refused(path):
    record = json.loads(ROUND)
    columns = record["nodes"].items()
    record["nodes"] = {name: column[:1] * 5000 for name, column in columns if column}
    path.write_text(f"{HEADER}\n{json.dumps(record)}\n", encoding="utf-8")
    with pytest.raises(TraceError, match="line 2: nodes: a tree has 1 to 1024 nodes, not 5000"):
        Trace.load(path)


def test_a_trace_plays_where_torch_is_not_installed(path):
    a_trace(3).save(path)
    command = [sys.executable, "-W", "error", "-c", NO_TORCH, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("3", "")


def test_nothing_is_saved_that_would_not_open_again(tmp_path, monkeypatch):
    whole = a_trace()
    monkeypatch.setattr(trace, "MAX_BYTES", 100)
    with pytest.raises(TraceError, match="at most 0 are read"):
        whole.save(tmp_path / "run.jsonl")
    monkeypatch.setattr(trace, "MAX_BYTES", 10**6)
    monkeypatch.setattr(trace, "MAX_LINE", 100)
    with pytest.raises(TraceError, match="bytes; at most 100 are read"):
        whole.save(tmp_path / "run.jsonl")
    assert not list(tmp_path.iterdir())


def test_a_law_of_more_entries_than_are_ever_written_is_refused(path):
    told = json.loads(ROUND)
    law = told["laws"][0]
    for name in law.keys() - {"node"}:
        law[name] = list(range(2000)) if name == "token" else [0] * 2000
    path.write_text(f"{HEADER}\n{json.dumps(told)}\n")
    with pytest.raises(TraceError, match="a law has at most 1024 entries, not 2000"):
        Trace.load(path)


def test_a_round_with_more_pieces_than_tokens_is_refused(path):
    told = json.loads(ROUND)
    told["pieces"] = {str(token): "x" for token in range(5000)}
    path.write_text(f"{HEADER}\n{json.dumps(told)}\n")
    with pytest.raises(TraceError, match="far more pieces than tokens"):
        Trace.load(path)
