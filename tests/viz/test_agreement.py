"""The sentences on the texts of a race, for every mix of temperatures, by table."""

import json
from dataclasses import replace

import pytest

from engine.records import Emitted, Nodes
from tests.page import synthetic
from tests.viz.records import make_round
from viz.agreement import LaneText, agreement
from viz.lanes import over_message

ROUNDS = tuple(synthetic.rounds(5, seed=0))
TOKENS = [token for this in ROUNDS for token in this.emitted.token]
COUNT = len(TOKENS)
THIRD = sum(len(this.emitted) for this in ROUNDS[:3])  # tokens before the fourth round


def other(rounds=ROUNDS, start=3):
    """The same text up to round ``start``, and then another one."""
    return (*rounds[:start], *map(_turned, rounds[start:]))


def _turned(this):
    """Every token of the round another one."""
    nodes, emitted = (
        replace(columns, token=tuple(token + 1 for token in columns.token))
        for columns in (this.nodes, this.emitted)
    )
    return replace(this, nodes=nodes, emitted=emitted)


SAME, OTHER, CUT = (ROUNDS, True), (other(), True), (ROUNDS[:3], False)
COLD, WARM, HOT = 0.0, 0.7, 1.0


def lanes(*wanted):
    """Lanes numbered from 1: (temperature, (rounds, whether whole))."""
    return [
        LaneText(f"run-{number}", number, temperature, *text)
        for number, (temperature, text) in enumerate(wanted, start=1)
    ]


SENTENCES = [
    ([(COLD, SAME)], "", None),
    ([(COLD, SAME), (COLD, ((), False))], "", None),  # the second was never decoded
    ([(COLD, SAME), (COLD, SAME)], f"✓ All texts equal: {COUNT} tokens in every lane.", True),
    (
        [(COLD, SAME), (COLD, SAME), (COLD, CUT)],
        f"✓ Texts equal as far as they go: {THIRD} tokens.",
        True,
    ),
    (
        [(COLD, SAME), (COLD, SAME), (COLD, OTHER)],
        "✗ 1 of 2 texts parts from plain decoding's: see the marks.",
        False,
    ),
    (
        [(COLD, SAME), (COLD, OTHER), (COLD, OTHER)],
        "✗ 2 of 2 texts part from plain decoding's: see the marks.",
        False,
    ),
    (
        [(WARM, SAME), (WARM, OTHER)],
        "One law in every lane (temperature 0.7), each with its own uniforms: the texts differ"
        " from the first different draw on. The marks show where.",
        None,
    ),
    (
        [(WARM, SAME), (WARM, SAME)],
        "One law in every lane (temperature 0.7), each with its own uniforms; this time the texts"
        f" are equal: {COUNT} tokens.",
        None,
    ),
    (
        [(COLD, SAME), (WARM, OTHER)],
        "Only lanes of one temperature share a law. Lane 1, temperature 0: nothing to compare with."
        " Lane 2, temperature 0.7: nothing to compare with.",
        None,
    ),
    (
        [(COLD, SAME), (WARM, OTHER), (COLD, SAME), (WARM, SAME)],
        f"Only lanes of one temperature share a law. Lanes 1 and 3, temperature 0: ✓ texts equal,"
        f" {COUNT} tokens. Lanes 2 and 4, temperature 0.7: the texts differ from"
        " the first different draw on.",
        True,
    ),
    (
        [(WARM, SAME), (COLD, SAME), (COLD, OTHER), (HOT, SAME)],
        "Only lanes of one temperature share a law. Lane 1, temperature 0.7: nothing to compare"
        " with. Lanes 2 and 3, temperature 0: ≈ 1 text parts from lane 2's; only plain decoding in"
        " that temperature tells a mistake from a tie. Lane 4, temperature 1: nothing to compare"
        " with.",
        None,
    ),
    (  # one text ends before the other: no tie does that
        [(WARM, SAME), (COLD, SAME), (COLD, (ROUNDS[:3], True))],
        "Only lanes of one temperature share a law. Lane 1, temperature 0.7: nothing to compare"
        " with. Lanes 2 and 3, temperature 0: ✗ 1 text parts from lane 2's: see the marks.",
        False,
    ),
    (
        [(WARM, SAME), (WARM, SAME), (COLD, SAME), (COLD, CUT)],
        "Only lanes of one temperature share a law. Lanes 1 and 2, temperature 0.7: one text this"
        f" time. Lanes 3 and 4, temperature 0: ✓ texts equal as far as they go, {THIRD} tokens.",
        True,
    ),
]


@pytest.mark.parametrize(("wanted", "says", "holds"), SENTENCES)
def test_no_more_is_claimed_of_the_texts_than_the_laws_allow(wanted, says, holds):
    found = agreement(lanes(*wanted))
    assert (found.says, found.holds) == (says, holds)


@pytest.mark.parametrize(
    ("first", "lane", "note", "place", "is_wrong"),
    [
        ((COLD, SAME), (COLD, SAME), "✓ equal to plain", None, False),
        ((COLD, SAME), (COLD, CUT), "✓ equal to plain so far", None, False),
        ((COLD, SAME), (COLD, OTHER), f"differs from token {THIRD + 1} on", THIRD, True),
        (  # as whole as the other, and shorter
            (COLD, SAME),
            (COLD, (ROUNDS[:3], True)),
            f"differs from token {THIRD + 1} on",
            THIRD,
            True,
        ),
        ((WARM, SAME), (WARM, SAME), "law of plain, this time its text too", None, False),
        (
            (WARM, SAME),
            (WARM, OTHER),
            f"law of plain; the draws differ from token {THIRD + 1} on",
            THIRD,
            False,
        ),
        ((COLD, SAME), (WARM, SAME), "temperature 0.7: another law than plain's", None, False),
        ((WARM, SAME), (COLD, OTHER), "temperature 0: another law than plain's", None, False),
    ],
)
def test_each_lane_says_how_it_stands_to_plain_decoding(first, lane, note, place, is_wrong):
    plain, below = agreement(lanes(first, lane)).lanes
    assert plain == ("run-1", None, "", False)
    assert below == ("run-2", place, note, is_wrong)


@pytest.mark.parametrize("temperature", [COLD, WARM])
def test_one_token_is_one_token(temperature):
    drawn = Emitted(tuple(TOKENS[:1]), ("sampled",), ("a",))
    one = replace(make_round(0), start=ROUNDS[0].start, emitted=drawn)
    says = agreement(lanes(*[(temperature, ((one,), False))] * 2)).says
    assert "1 token" in says and "1 tokens" not in says


def test_lanes_of_another_temperature_than_plains_are_compared_with_each_other():
    _, first, second = agreement(lanes((WARM, SAME), (COLD, SAME), (COLD, OTHER))).lanes
    assert first.note == "temperature 0: another law than plain's"
    assert second == ("run-3", THIRD, f"differs from token {THIRD + 1} on, perhaps at a tie", None)
    _, _, third = agreement(lanes((COLD, SAME), (WARM, SAME), (WARM, OTHER))).lanes
    assert third.note == f"law of lane 2; the draws differ from token {THIRD + 1} on"


def greedy(share):
    """Plain decoding, a token a round, and a text that ends with the second best of ``share``."""
    plain = []
    for this in ROUNDS[:3]:
        law = replace(this.laws[0], model=(0.4, share, 0.1, 0.05, 0.01))
        one = replace(this.emitted, token=law.token[:1], origin=("sampled",), text=("",))
        root = Nodes((1,), (-1,), (0,), (None,), (None,), (None,), ("root",))
        plain.append(replace(this, nodes=root, laws=(replace(law, node=0),), emitted=one))
    last = replace(plain[2], emitted=replace(plain[2].emitted, token=plain[2].laws[0].token[1:2]))
    return plain, [*plain[:2], last]


@pytest.mark.parametrize(("share", "is_tie"), [(0.3, False), (0.400001 / 1.0001, True)])
def test_a_greedy_difference_is_no_mistake_where_two_tokens_are_as_good(share, is_tie):
    plain, parted = greedy(share)
    found = agreement(lanes((COLD, (plain, True)), (COLD, (parted, True))))
    assert found.lanes[1].is_wrong is not is_tie
    assert found.lanes[1].note == "differs from token 3 on" + (": a tie" if is_tie else "")
    assert found.holds is (None if is_tie else False)
    assert found.says.startswith("≈ 1 of 1" if is_tie else "✗ 1 of 1")


def test_plain_decoding_in_another_lane_tells_a_mistake_too():
    plain, parted = greedy(0.3)
    found = agreement(lanes((WARM, SAME), (COLD, (plain, True)), (COLD, (parted, True))))
    assert found.lanes[2].is_wrong and found.holds is False


def test_the_browser_is_told_what_is_said_and_where_texts_part():
    found = agreement(lanes((COLD, SAME), (COLD, OTHER)))
    message = json.loads(over_message(found, "Stopped."))
    assert (message["kind"], message["note"], message["holds"]) == ("over", "Stopped.", False)
    assert message["says"] == found.says
    assert [lane["difference"] for lane in message["lanes"]] == [None, THIRD]
    assert message["lanes"][1] == found.lanes[1]._asdict()
