import json

import pytest

import engine
from engine.config import DecodeConfig
from engine.heads import kinds
from tests.page import fakes
from tests.tables import table_bundle
from ui import methods
from ui.compare_run import compare, read

SHOWN = dict(
    temperature=0,
    max_new_tokens=12,
    seed=0,
    method1="suffix",
    tree1="auto",
    method2="draft_tree",
    tree2="4",
    method3="",
    tree3="auto",
    **{f"temperature{lane}": "" for lane in (1, 2, 3)},
    **{f"drafting{lane}": "top" for lane in (1, 2, 3)},
)


def played(decoder=engine, bundle=None, cancel_after=10**6, **more):
    """The messages of a race that is stopped after so many looks."""
    looks = iter(range(10**9))
    wish = read("abcabdabc", SHOWN | more)
    stopped = lambda: next(looks) >= cancel_after  # noqa: E731
    return [json.loads(m) for m in compare(decoder, bundle or table_bundle(), wish, stopped)]


def test_plain_decoding_is_always_the_first_lane_and_an_empty_one_is_none():
    wish = read("Why?", SHOWN)
    assert wish.configs == (
        DecodeConfig(method="plain", max_new_tokens=12),
        DecodeConfig(method="suffix", max_new_tokens=12),
        DecodeConfig(method="draft_tree", max_new_tokens=12, tree=4),
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (dict(temperature=-1), "^Temperature"),
        (dict(max_new_tokens=None), "^Tokens"),
        (dict(seed=0.5), "^Seed"),
        (dict(tree2="x"), "^Lane 3: Tree"),
        (dict(method1=7), "^Lane 2: "),
        (dict(method1="", method2=None), "^Choose a method"),
        (dict(method1="plain"), "^Two lanes are the same"),
        (dict(method3="suffix"), "^Two lanes are the same"),
        (dict(method3="suffix", temperature3="0.0"), "^Two lanes are the same"),
        (dict(method1="eagle", method3="eagle", drafting3="sampled"), "^Two lanes are the same"),
        (dict(temperature2="warm"), "^Lane 3: Temperature must be a number, not 'warm'"),
        (dict(temperature2="-1"), "^Lane 3: Temperature must be between 0 and 100"),
        (dict(temperature1="1e999"), "^Lane 2: Temperature"),
        (dict(temperature1="nan"), "^Lane 2: Temperature"),
        (dict(method1="eagle", temperature1="1", drafting1="x"), "^Lane 2: Drafting"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(more, words):
    with pytest.raises(ValueError, match=words):
        read("Why?", SHOWN | more)


def test_two_lanes_may_differ_by_their_trees_alone():
    wish = read("Why?", SHOWN | dict(method1="draft_tree", tree1="8"))
    assert [config.tree for config in wish.configs] == ["auto", 8, 4]


@pytest.mark.parametrize(
    ("tree", "note"),
    [
        ("auto", ""),
        ("4", "The lanes had different trees: lane 2 auto tree, lane 3 tree of 4 nodes."),
    ],
)
def test_lanes_with_unlike_trees_say_so_in_the_result(tree, note):
    assert played(tree2=tree)[-1]["note"] == note


def test_plain_decoding_has_no_tree_that_sets_it_apart():
    lane = dict(method1="plain", temperature1="0.7")
    wish = read("Why?", SHOWN | lane | dict(tree1="8"))
    assert wish == read("Why?", SHOWN | lane)
    with pytest.raises(ValueError, match="^Two lanes are the same"):
        read("Why?", SHOWN | dict(method1="plain", tree1="8"))
    assert played(tree2="auto", **lane)[-1]["note"] == ""


def test_a_lane_has_its_own_temperature_or_that_of_all():
    own = dict(temperature=0.7, temperature1=" 0 ", temperature2=1)
    wish = read("Why?", SHOWN | own | dict(method3="lookup", temperature3=None))
    assert [config.temperature for config in wish.configs] == [0.7, 0.0, 1.0, 0.7]
    read("Why?", SHOWN | dict(method3="suffix", temperature3="0.5"))  # not the same as lane 2


def test_only_heads_above_temperature_0_have_two_ways_to_draft():
    lane = dict(drafting1="sampled", temperature1="0.7")
    for method, more, drafting in (
        ("suffix", {}, "top"),
        ("eagle2", {"temperature1": "0"}, "top"),
        ("eagle2", {}, "sampled"),
    ):
        wish = read("Why?", SHOWN | lane | more | dict(method1=method))
        assert wish.configs[1].drafting == drafting


def test_lanes_keep_the_numbers_beside_their_widgets_and_name_what_sets_them_apart():
    more = dict(method1="", method3="lookup", temperature3="0.7")
    first, *_, last = played(**more)
    assert [lane["number"] for lane in first["lanes"]] == [1, 3, 4]
    assert [lane["settings"] for lane in first["lanes"]] == [
        "one token a pass · T 0",
        "tree of 4 nodes · T 0",
        "auto length · T 0.7",
    ]
    assert "Lanes 1 and 3, temperature 0: ✓ texts equal, 12 tokens." in last["says"]
    assert last["holds"] and last["lanes"][2]["note"].startswith("temperature 0.7: another law")


def test_plain_decoding_at_another_temperature_is_no_yardstick():
    ends = [m for m in played(temperature2="0.7") if m["kind"] == "end"]
    assert [end["record"]["plain"] is None for end in ends] == [True, False, True]


def test_a_lane_that_cannot_run_is_refused_before_any_is_decoded():
    bundle = table_bundle()
    bundle.methods["draft_tree"] = "needs a draft model"
    with pytest.raises(ValueError, match="^Lane 3: .*needs a draft model"):
        played(bundle=bundle)


def test_lanes_are_decoded_one_after_another_each_a_whole_run():
    messages = played()
    runs = [lane["run"] for lane in messages[0]["lanes"]]
    assert len(set(runs)) == 3 and messages[-1]["kind"] == "over"
    assert messages[-1]["says"] == "✓ All texts equal: 12 tokens in every lane."
    order = [m["run"] for m in messages if "run" in m]
    assert order == sorted(order, key=runs.index)  # never together
    said = [m["text"] for m in messages if m["kind"] == "status"]
    assert said[1] == "2 of 3: suffix decoding…"
    texts = []
    for run in runs:
        own = [m for m in messages if m.get("run") == run]
        assert [m["kind"] for m in own] == ["header", *["round"] * (len(own) - 2), "end"]
        texts.append(
            [t for m in own if m["kind"] == "round" for t in m["record"]["emitted"]["token"]]
        )
    assert texts[0] == texts[1] == texts[2] and len(texts[0]) == 12


def test_plain_decodings_lane_is_the_yardstick_of_the_others():
    ends = [m for m in played() if m["kind"] == "end"]
    assert ends[0]["record"]["plain"] is None
    for end in ends[1:]:
        assert end["record"]["plain"]["tokens"] == 12 == end["record"]["plain"]["same_tokens"]


def test_no_lane_is_drafted_what_another_has_written():
    """Suffix decoding twice on one prompt: the second must not remember the first's text."""
    both = played(method2="suffix", tree2="30", tree1="31")
    trees = [
        [m["record"]["nodes"]["token"] for m in both if m["kind"] == "round" and m["run"] == run]
        for run in [lane["run"] for lane in both[0]["lanes"]][1:]
    ]
    assert trees[0] == trees[1]


@pytest.mark.parametrize(("looks", "runs", "number"), [(0, 0, 1), (13, 1, 3)])
def test_a_stop_between_lanes_reads_no_prompt_of_the_next(looks, runs, number):
    """A lane of ten rounds is looked at before it, before each of them and behind it."""
    decoder = fakes.FakeDecoder(count=10)
    lanes = dict(method1="", method2="suffix", method3="lookup")
    *_, before, last = played(decoder, fakes.bundle(), looks, **lanes)
    assert before["kind"] == "status" and len(decoder.runs) == runs
    assert last["kind"] == "over" and last["note"] == f"Stopped before lane {number}."


@pytest.mark.parametrize("looks", [1, 5, 14])
def test_a_stop_ends_the_lane_in_hand_whole_and_no_other_begins(looks):
    decoder = fakes.FakeDecoder(count=10)
    lanes = dict(method1="", method2="suffix", method3="lookup")  # so that their numbers skip one
    messages = played(decoder, fakes.bundle(), looks, **lanes)
    named = {lane["run"]: lane["number"] for lane in messages[0]["lanes"]}
    last = named[[m["run"] for m in messages if m["kind"] == "header"][-1]]
    assert messages[-1]["kind"] == "over" and messages[-1]["note"] == f"Stopped at lane {last}."
    assert messages[-2]["kind"] == "end"
    (end,) = (m["record"] for m in messages[-2:-1])  # a lane cut short is held against nothing
    assert end["reason"] == "length" or end["plain"] is None
    assert all(run.closed_after is not None for run in decoder.runs)
    assert len(decoder.runs) <= 2


def test_the_methods_that_draft_in_two_ways_are_those_of_the_heads():
    assert methods.HEADS == kinds.METHODS


def test_a_lane_that_memory_has_no_room_for_keeps_its_rounds_and_its_end():
    decoder, sent = fakes.FakeDecoder(count=10, room=4), []
    race = compare(decoder, fakes.bundle(), read("Why?", SHOWN | dict(method2="")), lambda: False)
    with pytest.raises(ValueError, match=fakes.NO_ROOM):
        sent.extend(race)
    kinds = [json.loads(message)["kind"] for message in sent]
    assert kinds == ["race", "status", "header", *["round"] * 4, "end"]
    assert json.loads(sent[-1])["record"]["reason"] == "memory"
