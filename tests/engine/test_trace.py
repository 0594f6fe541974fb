"""A trace file gives back what was saved; what is cut short or damaged is told by its line."""

import json
from pathlib import Path

import pytest

from engine import Trace, TraceError
from engine.drafters.suffix import MEMORY_TOKENS
from engine.records import CacheStep, Emitted, Law, Nodes, Round, Seconds
from engine.run_facts import End, Header, Weights

MARKUP = '<img src=x onerror="alert(1)">&amp;</script>\u2028\U0001f600'


def a_header(**changes) -> Header:
    fields = {
        "version": 1,
        "method": "suffix",
        "config": {"temperature": 0.0, "tree": [[0], [0, 0]], "stop": [], "top_k": None},
        "target": Weights("tiny", "random", "", "float32"),
        "draft": None,
        "device": "cpu",
        "path": "packed",
        "prompt": MARKUP,
        "prompt_token": (5, 0),
        "prompt_text": ("é", MARKUP),
        "is_exact": True,
        "has_point_mass": True,
        "slot_bytes": {"target": 512},
        "prefill_seconds": 0.25,
        "created": "2026-11-24T10:00:00+00:00",
        "software": {"torch": "2"},
        "pass_seconds": {1: 0.5, 2: 1.0},
    }
    return Header(**fields | changes)


def a_round(index: int = 0, start: int = 2) -> Round:
    return Round(
        index,
        start,
        Nodes(
            (0, 7, 3),
            (-1, 0, 0),
            (0, 0, 1),
            (None, 0.75, 1.0),
            (None, 0.0, 1.0),
            (0.5, 0.125, 0.0),
            ("root", "rejected", "accepted"),
        ),
        Emitted((3, 1), ("accepted", "bonus"), ("", MARKUP)),
        (Law(0, (7, 3), (0.0, 1.0), (0.75, 0.25), (0.0, 1.0), (0.5, 1e-30)),),
        (CacheStep("target", start - 1, 3, (start - 1, start + 1)),),
        Seconds(0.001, 0.002, 0.0, 1.0),
        {0: "é", 7: "ü", 3: MARKUP},
    )


def a_trace(rounds: int = 3) -> Trace:
    end = End("eos", rounds, 2 * rounds, 1.0)
    return Trace(a_header(), tuple(a_round(i, 2 + 2 * i) for i in range(rounds)), end)


LAW = {"node": 0, "token": [], "target": [], "draft": [], "residual": [], "model": []}
LONG = {"token": [0] * 4, "origin": ["bonus"] * 4, "text": [""] * 4}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.jsonl"


def load_lines(path, *lines: str) -> Trace:
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    return Trace.load(path)


def test_what_is_loaded_equals_what_was_saved(path):
    remembering = Trace(a_header(remembered=MEMORY_TOKENS), ())
    for saved in (a_trace(), a_trace(0), Trace(a_header(), (a_round(),)), remembering):
        saved.save(path)
        loaded = Trace.load(path)
        assert loaded == saved
        assert (loaded.text, loaded.token_ids) == (saved.text, saved.token_ids)


def test_markup_survives_as_the_text_it_is(path):
    a_trace().save(path)
    assert Trace.load(path).text == MARKUP * 3
    assert path.read_bytes().count(b"\n") == 5  # a line separator in a text ends no line


def test_a_browser_that_writes_1_for_1_0_changes_nothing(path):
    lines = [line.replace("1.0", "1").replace("0.0,", "0,") for line in a_trace().lines()]
    assert '"target":[0,1]' in lines[1]
    assert load_lines(path, *lines) == a_trace()


def test_a_file_cut_at_any_byte_gives_its_whole_rounds_and_says_it_was_cut(path):
    whole = a_trace(2)
    whole.save(path)
    data = path.read_bytes()
    ends = [i for i, byte in enumerate(data) if byte == ord("\n")]
    for cut in range(len(data)):
        path.write_bytes(data[:cut])
        if cut < ends[0]:
            with pytest.raises(TraceError, match="line 1: "):
                Trace.load(path)
            continue
        loaded = Trace.load(path)
        num_whole = sum(cut >= end for end in ends[1:3])  # whole without its line's end, too
        assert loaded.rounds == whole.rounds[:num_whole]
        assert loaded.is_whole == (cut >= ends[3])


def test_a_save_that_fails_leaves_the_file_as_it_was(path):
    a_trace(1).save(path)
    before = path.read_bytes()
    with pytest.raises(ValueError):
        Trace(a_header(prefill_seconds=float("nan")), ()).save(path)
    assert path.read_bytes() == before


def test_two_that_save_one_file_at_once_leave_one_of_them_whole(path, monkeypatch):
    """The second writes all of its own between the first one's draft and its taking its place."""
    take_place, others = Path.replace, [a_trace(2)]

    def replace(draft, target):
        while others:
            others.pop().save(target)
            assert Trace.load(target) == a_trace(2)
        return take_place(draft, target)

    monkeypatch.setattr(Path, "replace", replace)
    a_trace(3).save(path)
    assert not others and Trace.load(path) == a_trace(3)
    assert [*path.parent.iterdir()] == [path]


def test_a_save_that_the_disk_refuses_leaves_no_draft_behind(path):
    path.mkdir()
    (path / "kept").touch()
    with pytest.raises(OSError):
        a_trace().save(path)
    assert [*path.parent.iterdir()] == [path]


def test_a_saved_file_is_read_by_whoever_reads_any_new_file(path):
    a_trace().save(path)
    usual = path.with_name("usual")
    usual.touch()
    assert path.stat().st_mode == usual.stat().st_mode


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", "x"),
        ("temperature", []),
        ("temperature", True),
        ("max_new_tokens", None),
        ("max_new_tokens", "9"),
        ("tree", {}),
        ("top_k", "9"),
        ("top_p", [0.5]),
        ("repetition_penalty", None),
        ("num_draft", 1.5),
    ],
)
def test_a_setting_that_pictures_read_is_what_it_should_be(path, name, value):
    lines = list(a_trace().lines())
    header = json.loads(lines[0])
    header["config"][name] = value
    lines[0] = json.dumps(header)
    with pytest.raises(TraceError, match=f"^line 1: .*config.{name}: not "):
        load_lines(path, *lines)


@pytest.mark.parametrize(
    ("keys", "value", "reason"),
    [
        (("start",), "2", "start: expected int"),
        (("start",), True, "start: expected int"),
        (("start",), 2.0, "start: expected int"),
        (("start",), -1, "not negative"),
        (("start",), 2**53, "start: number too large"),
        (("start",), 10**7, "starts at 10000000, after 4 tokens"),
        (("start",), 3, "starts at 3, after 4 tokens"),
        (("nodes", "token", 2), -5, "nodes: token holds -5: token ids are not negative"),
        (("laws", 0, "token", 0), -1, r"laws\[0\]: token holds -1: token ids"),
        (("emitted", "token", 0), -1, "emitted: token holds -1: token ids"),
        (("nodes", "draft_prob", 1), -1e24, r"nodes: draft_prob holds -1e\+24: a probability"),
        (("nodes", "target_prob", 1), 1.5, "nodes: target_prob holds 1.5: a probability"),
        (("nodes", "uniform", 1), -0.5, "nodes: uniform holds -0.5: a probability"),
        (("laws", 0, "residual", 1), 2, r"laws\[0\]: residual holds 2.0: a probability"),
        (("index",), 7, "round 7 where 1 was expected"),
        (("nodes", "token", 2), None, r"nodes.token\[2\]: expected int"),
        (("nodes", "token"), [1], "nodes: columns differ in length"),
        (("nodes", "parent"), [-1, 2, 0], "nodes: node 1 has parent 2"),
        (("nodes", "verdict", 1), "maybe", r"nodes.verdict\[1\]: expected one of"),
        (("nodes", "verdict", 1), [], r"nodes.verdict\[1\]: expected one of"),
        (("emitted",), [], "emitted: expected an object"),
        (("emitted", "text", 0), "\ud800", r"emitted.text\[0\]: text too long or with a lone"),
        (("laws", 0, "node"), 3, "a law belongs to a node"),
        (("caches", 0, "kept"), [9], r"caches\[0\]: cache 'target' keeps a slot"),
        (("caches", 0, "before"), -1, r"caches\[0\]: cache 'target' has a negative length"),
        (("caches", 0, "written"), 10**7, r"caches\[0\]: cache 'target' has more than 2097152"),
        (("caches", 0, "before"), 2**53 - 1, r"caches\[0\]: cache 'target' has more than 209"),
        (("caches", 0, "kept"), [3, 3], r"caches\[0\]: cache 'target' keeps slots out of order"),
        (
            ("caches",),
            [{"name": "x", "before": 0, "written": 0, "kept": []}] * 9,
            "at most 8 caches",
        ),
        (("laws",), [LAW] * 4, "no more laws than nodes"),
        (("emitted",), LONG, "a round emits its accepted tokens and at most one more"),
        (("emitted", "token", 0), 9, "a round emits its accepted tokens and at most one more"),
        (("emitted", "origin", 0), "bonus", "accepted tokens, and no others, have that origin"),
        (("nodes", "verdict"), ["root", "accepted", "accepted"], "node 2 is accepted, but not"),
        (("seconds", "verify"), -5, "seconds: a phase of a round takes no less than no time"),
        (("seconds", "draft"), "x" * 200, r"seconds.draft: expected float, got 'x+\.\.\."),
        (("pieces",), {"-1": ""}, "pieces: expected a token id"),
        (("pieces",), {"1" * 30: ""}, "pieces: expected a token id"),
        (("extra",), 1, "Round: unknown field 'extra'"),
        (("nodes", "<b>"), 1, "nodes: unknown field '<b>'"),
    ],
)
def test_a_bad_field_is_named_with_its_line(path, keys, value, reason):
    lines = list(a_trace().lines())
    record = json.loads(lines[2])
    place = record
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    lines[2] = json.dumps(record)
    with pytest.raises(TraceError, match=f"^line 3: .*{reason}"):
        load_lines(path, *lines)


@pytest.mark.parametrize(("field", "told"), [("rounds", 4), ("tokens", 100_000), ("tokens", 0)])
def test_an_end_that_counts_what_is_not_there_is_refused(path, field, told):
    """The page divides them by seconds, and says that this was measured."""
    *lines, end = a_trace().lines()
    with pytest.raises(TraceError, match=f"^line 5: the end counts {told} {field}, the file"):
        load_lines(path, *lines, json.dumps(json.loads(end) | {field: told}))
