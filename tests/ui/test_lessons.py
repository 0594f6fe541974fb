"""The lessons that ship are right, their numbers true, and mistakes are named where they are."""

import json
from collections import Counter
from copy import deepcopy
from pathlib import Path

import pytest

from bench.traces import TAKES
from engine.trace import Trace
from ui import lessons, traces
from ui.lesson import LessonError, filled, placeholders, read
from ui.lesson_facts import fact_names, said, value_of
from ui.lesson_place import Place
from ui.lessons import Shelf, check, lesson_message, on_stage
from viz.numbers import NAMES, TITLES, Numbers
from viz.phases import steps

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "assets" / "lessons").glob("*.json"))
RIGHT = json.loads((ROOT / "assets" / "lessons" / "4-caches.json").read_text())
LATER = json.loads((ROOT / "assets" / "lessons" / "5-trees.json").read_text())
FIRST = json.loads((ROOT / "assets" / "lessons" / "1-one-token.json").read_text())
QUIZ = json.loads((ROOT / "assets" / "lessons" / "3-the-rule.json").read_text())


@pytest.fixture(autouse=True)
def shelf(monkeypatch):
    """The traces that ship, whatever the page tests have put in their place."""
    monkeypatch.setattr(traces, "FOLDER", ROOT / "assets" / "traces")
    return Shelf()


def written(tmp_path, lesson):
    path = tmp_path / "lesson.json"
    path.write_text(lesson if isinstance(lesson, str) else json.dumps(lesson))
    return path


def changed(number, lesson=RIGHT, **fields):
    """The lesson with some fields of a stop (from 1) set anew, or left out where ``None``."""
    lesson = deepcopy(lesson)
    stop = lesson["stops"][number - 1]
    stop.update(fields)
    for name in [name for name, value in fields.items() if value is None]:
        del stop[name]
    return lesson


def test_eight_lessons_ship():
    assert [read(path).number for path in FILES] == list(range(1, 9))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_lesson_that_ships_is_right_unless_make_traces_has_yet_to_record_its_runs(path, shelf):
    lesson = read(path)
    found, mistakes, missing = on_stage(lesson, shelf)
    assert missing <= {take.name for take in TAKES}
    if not missing:
        assert mistakes == [] and len(found) == len(lesson.stops)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_stop_stands_on_a_step_of_its_phase_and_its_text_is_filled(path, shelf):
    lesson = read(path)
    found, _, missing = on_stage(lesson, shelf)
    pairs = [] if missing else zip(lesson.stops, found, strict=True)
    for stop, played in pairs:
        step = steps(shelf[stop.trace].rounds[played.round])[played.step]
        assert step.phase == stop.phase
        assert played.node is None or step.node == played.node
        assert "{" not in played.text + str(played.table)


def test_the_caches_of_lesson_four_are_what_the_text_says(shelf):
    rounds = shelf["chain-cold"].rounds
    found, _, _ = on_stage(read(ROOT / "assets" / "lessons" / "4-caches.json"), shelf)
    feed, verify, cut, hole, catch_up, again = found
    for stop in (feed, verify, cut):
        target, draft = rounds[stop.round].caches
        assert target.written == 1 + draft.written == 4  # root and three; the last is not read
        assert target.after == draft.after == rounds[stop.round].start - 1 + 2
    target, draft = rounds[hole.round].caches
    assert (target.after - draft.after, rounds[hole.round].nodes.num_accepted) == (1, 3)
    assert catch_up.round == again.round == hole.round + 1
    target, draft = rounds[catch_up.round].caches
    assert (draft.before, draft.written) == (target.before - 1, 4)
    assert target.after == draft.after
    assert f"behind the {rounds[feed.round].caches[1].before} that it had" in feed.text


def test_a_verdict_is_asked_three_times_and_the_numbers_tell_it(shelf):
    found, _, _ = on_stage(read(ROOT / "assets" / "lessons" / "3-the-rule.json"), shelf)
    asked = [stop.ask for stop in found if stop.ask]
    assert len(asked) == 3 and len({ask["verdict"] for ask in asked}) == 2
    for ask in asked:
        assert (ask["verdict"] == "accepted") == (ask["u"] * ask["q"] < ask["p"])
        assert ("<" in ask["because"]) == (ask["verdict"] == "accepted")
        p, q = (float(said(name, ask[name])) for name in ("p", "q"))  # as they are shown
        assert f"p/q = {said('p_over_q', p / q)}" in ask["because"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("p", 0.345, "0.34"),
        ("p", 7.21204e-05, "0.000072"),
        ("q", 0.000224746, "0.00022"),
        ("q", 0.0, "0.00"),
        ("p_over_q", 0.0043, "0.0043"),
        ("chance", 32.09, "32\u00a0%"),
        ("chance", 0.43, "0.43\u00a0%"),
    ],
)
def test_small_shares_that_are_compared_keep_two_digits(name, value, words):
    assert said(name, value) == words


def drawn(name, data):
    """A placeholder's value as it is read off the figure; ``None`` where it is not drawn there."""
    kind, _, nodes = name.rpartition("_")
    if kind in ("pass_ms", "pass_cost") and data[0]["name"] == "calibrated":
        line = dict(zip(data[0]["x"], data[0]["y"], strict=True))
        return line[int(nodes)] / (1 if kind == "pass_ms" else line[1])
    if data[0]["name"] == "roofline":
        (low, ridge, _), (slow, _, most) = data[0]["x"], data[0]["y"]
        return {"bandwidth_gb": slow / low / 1e9, "peak_gflops": most / 1e9, "ridge": ridge}.get(
            name
        )
    return data[1]["y"][0] if name == "speed_up" and data[1]["name"] == "this run" else None


def test_a_figure_draws_the_numbers_that_are_said_beside_it(shelf):
    compared = set()
    for path in FILES:
        lesson = read(path)
        for stop, at in zip(lesson.stops, on_stage(lesson, shelf)[0], strict=True):
            if not stop.figure:
                continue
            data = Numbers.of(shelf[stop.trace])[stop.figure]["figure"]["data"]
            texts = [(stop.text, at.text)]
            texts += [*zip(cells(stop.table), cells(at.table), strict=True)]
            for wanted, told in texts:
                names = {name for name, _ in placeholders(wanted)}
                values = {(name, ""): drawn(name, data) for name in names}
                place = Place(shelf[stop.trace], at.round)
                words = {
                    key: said(key[0], value if value is not None else value_of(key[0], place))
                    for key, value in values.items()
                }
                assert filled(wanted, words) == told
                compared |= {name for (name, _), value in values.items() if value is not None}
    assert {"bandwidth_gb", "peak_gflops", "ridge", "speed_up"} <= compared
    assert {"pass_cost_2", "pass_ms_64", "pass_cost_32"} <= compared


def cells(table):
    """The cells of a table, one after another."""
    return [cell for row in table for cell in row]


MISTAKES = {
    "no list of stops": (lambda: {**RIGHT, "stops": {}}, "stops: input should be a valid list"),
    "too few stops": (lambda: {**RIGHT, "stops": RIGHT["stops"][:2]}, "stops: list should have"),
    "a field too many": (lambda: {**RIGHT, "author": "me"}, "author: extra inputs"),
    "no title": (lambda: changed(2, title=None), "stop 2, title: field required"),
    "an unknown phase": (lambda: changed(2, phase="think"), "stop 2, phase: input should be"),
    "a round below one": (lambda: changed(1, round=0), "stop 1, round: "),
    "a round that is a text": (lambda: changed(1, round="soon"), "stop 1, round: "),
    "a round beyond the run": (lambda: changed(1, round=400), "stop 1, round: there is no round"),
    "a node where none is judged": (lambda: changed(1, node=1), "stop 1: node: only the phase"),
    "a node nobody tested": (
        lambda: changed(1, phase="judge", node=3), "stop 1, expect: no such round"
    ),
    "an unknown panel": (lambda: changed(3, spotlight=["trees"]), "stop 3, spotlight: "),
    "a panel twice": (lambda: changed(3, spotlight=["tree", "tree"]), "stop 3, spotlight: a panel"),
    "one sentence": (lambda: changed(1, text="Too short."), "stop 1, text: 2 to 4 sentences"),
    "a typed number": (
        lambda: changed(1, text="It has 17 slots. So it is."), "stop 1, text: the number 17"
    ),
    "a typed number in a table": (
        lambda: changed(1, table=[["slots", "17"]]), "stop 1, table: the number 17"
    ),
    "a row of three": (lambda: changed(1, table=[["a", "b", "c"]]), "stop 1, table: "),
    "an open brace": (lambda: changed(1, text="Look {here. So."), "stop 1, text: a brace"),
    "an unknown placeholder": (
        lambda: changed(1, text="Some {sheep} stand. So."), "stop 1, text: there is no placeholder"
    ),
    "a placeholder without a value": (
        lambda: changed(1, text="Some {token} is. So."), "stop 1, text: {token} has no value here"
    ),
    "a node's fact of another trace": (
        lambda: changed(1, text="See {p@lookup-copy}. So."), "only a fact of a whole run"
    ),
    "a missing trace": (lambda: changed(5, trace="sheep"), "stop 5, trace: there is no recorded"),
    "a missing trace in a text": (
        lambda: changed(1, text="See {tokens@sheep}. So."), "stop 1, trace: there is no recorded"
    ),
    "a trace's name that is a path": (lambda: changed(1, trace="../x"), "stop 1, trace: string"),
    "nothing before 'next'": (lambda: changed(1, round="next"), "stop 1, round: 'next' needs"),
    "an expectation that is false": (
        lambda: changed(3, expect={"accepted": 2}), "stop 3, expect: accepted is 1, not 2"
    ),
    "an expectation out of range": (
        lambda: changed(3, expect={"accepted": [5, None]}), "accepted is 1, not within"
    ),
    "an expectation of nothing known": (
        lambda: changed(3, expect={"sheep": 2}), "stop 3, expect: there is no placeholder"
    ),
    "a question without a node": (
        lambda: changed(5, QUIZ, node=None), "stop 5: ask: needs the phase"
    ),
    "a question about a later sibling": (
        lambda: changed(4, LATER, node=2, ask="verdict", expect={"rank": 1}),
        "stop 4, ask: p, q and u of this node do not tell",
    ),
    "an unknown figure": (
        lambda: changed(1, figure="costs"),
        "stop 1, figure: there is no figure 'costs'; there are rounds, acceptance, ",
    ),
    "a figure that is no name": (lambda: changed(1, figure=3), "stop 1, figure: input should be"),
    "a figure over what one should look at": (
        lambda: changed(1, figure="cost", spotlight=["tree", "mask"]), "stop 1: figure: stands in"
    ),
    "a figure of nothing": (
        lambda: changed(3, FIRST, figure="speed_up"), "stop 3, figure: nothing was drafted"
    ),
    "no JSON": (lambda: "{'number': 1}", "not JSON: "),
    "no number of JSON's": (lambda: '{"number": NaN}', "not JSON: NaN"),
    "an array": (lambda: "[]", "input should be a valid dictionary"),
    "too deep": (lambda: "[" * 100_000 + "]" * 100_000, "at most 100,000 are read"),
}  # fmt: skip


@pytest.mark.parametrize("make, said", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_its_stop_and_field(make, said, tmp_path):
    mistakes = check(written(tmp_path, make()))
    assert any(said in mistake for mistake in mistakes), mistakes


def test_the_checker_takes_files_and_names_them(tmp_path, capsys):
    bad = written(tmp_path, changed(2, phase="think"))
    assert lessons.main([str(FILES[3]), str(bad), str(tmp_path / "none.json")]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{FILES[3]}: right"
    assert lines[1].startswith(f"{bad}: stop 2, phase: ")
    assert "cannot be read" in lines[2]


def test_a_broken_lesson_is_a_sentence_and_the_others_play(tmp_path, monkeypatch):
    for path in FILES[:2]:
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "9.json").write_text("{")
    monkeypatch.setattr(lessons, "FOLDER", tmp_path)
    rows = lessons.recorded()
    assert [bool(row["problem"]) for row in rows] == [False, False, True]
    assert "9.json has a mistake: not JSON" in rows[2]["problem"]
    assert len(lesson_message(1)["stops"]) == rows[0]["stops"]
    with pytest.raises(LessonError, match="There is no lesson '7'; there are lessons 1 to 2"):
        lesson_message("7")


def test_two_lessons_do_not_share_a_number(tmp_path, monkeypatch):
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(FILES[0].read_text())
    monkeypatch.setattr(lessons, "FOLDER", tmp_path)
    problems = [row["problem"] for row in lessons.recorded()]
    assert problems[0] == "" and "number: 1 is a.json's already" in problems[1]


def test_a_lesson_without_its_traces_says_which_and_what_records_them(tmp_path, monkeypatch):
    (tmp_path / "4.json").write_text(json.dumps(RIGHT))
    monkeypatch.setattr(lessons, "FOLDER", tmp_path)
    monkeypatch.setattr(traces, "FOLDER", tmp_path)
    with pytest.raises(LessonError, match=r"needs its traces \(chain-cold\): `make traces`"):
        lesson_message(4)


def test_numbers_follow_a_trace_that_is_recorded_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(traces, "FOLDER", tmp_path)
    trace = Trace.load(ROOT / "assets" / "traces" / "chain-cold.jsonl")
    path = written(tmp_path, {**RIGHT, "stops": [changed(1, text="It is {tokens}. So.", expect=None)
        ["stops"][0]] * 3})  # fmt: skip
    texts = []
    for rounds in (trace.rounds, trace.rounds[:4]):
        Trace(trace.header, rounds, None).save(tmp_path / "chain-cold.jsonl")
        found, mistakes, _ = on_stage(read(path), Shelf())
        assert mistakes == []
        texts.append(found[0].text)
    counts = [
        sum(len(this.emitted) for this in rounds) for rounds in (trace.rounds, trace.rounds[:4])
    ]
    assert texts == [f"It is {count}. So." for count in counts]


def test_the_readme_names_every_placeholder():
    text = (ROOT / "assets" / "lessons" / "README.md").read_text()
    for name in fact_names():
        assert f"`{name.replace('draft_', 'target_', 1)}`" in text or f"`{name}`" in text, name
    assert Counter(fact_names()).most_common(1)[0][1] == 1


def test_figures_are_called_the_same_in_the_readme_the_tab_and_a_lesson():
    readme = (ROOT / "assets" / "lessons" / "README.md").read_text()
    tab = (ROOT / "assets" / "numbers.html").read_text()
    for name in NAMES:
        assert f"`{name}`" in readme
        assert f'data-number="{name}"' in tab and f">{TITLES[name]} <em>" in tab


def test_lesson_six_is_right_about_what_hangs_below_another_parent(shelf):
    """Medusa's heads know no parent, so its levels repeat; Hydra's read the path."""
    if not {"medusa-story", "hydra-story"} <= set(shelf):
        return
    found, _, _ = on_stage(read(FILES[5]), shelf)
    places = {stop.trace: shelf[stop.trace].rounds[stop.round].nodes for stop in found[:3]}
    assert all(_repeats(this.nodes) for this in shelf["medusa-story"].rounds)
    assert _repeats(places["medusa-story"]) and not _repeats(places["hydra-story"])


def _repeats(nodes):
    """Whether parents of one depth have the same first children."""
    children = {}
    for node, parent in enumerate(nodes.parent[1:], start=1):
        children.setdefault((nodes.depth[parent], nodes.rank[node]), set()).add(nodes.token[node])
    return all(len(tokens) == 1 for tokens in children.values())
