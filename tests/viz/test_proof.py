"""Figures and words of a proof, by value."""

import json

import plotly.graph_objects as go
import pytest

from engine.proof.equality import compare
from engine.proof.results import Equality, Fit, Gap, Sibling, Subject
from tests.page import synthetic
from viz.proof import ROWS, fit_figure, fit_info, plot_fit
from viz.proof_messages import (
    equality_message,
    fits_message,
    p_words,
    subject_message,
    tokens_message,
)


def fit(p_value=0.4, tokens=3, **more):
    """Counts of ``tokens`` bins and a pooled one, 400 in all."""
    fields = dict(
        place="first",
        verifications=500,
        counted=400,
        token=tuple(range(tokens)),
        piece=tuple(f" w{i}" for i in range(tokens)),
        observed=(100,) * tokens,
        expected=(90.0,) * tokens,
        pooled_tokens=40,
        pooled_observed=400 - 100 * tokens,
        pooled_expected=400 - 90.0 * tokens,
        statistic=4.2,
        freedom=tokens,
        p_value=p_value,
    )
    return Fit(**fields | more)


def test_bars_are_shares_of_what_was_counted_and_the_rest_is_one_bar():
    info = fit_info(fit())
    assert info.piece == ["␣w0", "␣w1", "␣w2", "rest"]
    assert info.expected == [0.225, 0.225, 0.225, 0.325]
    assert info.observed == [0.25, 0.25, 0.25, 0.25]
    assert info.deviation[0] == pytest.approx(2 * (0.225 * 0.775 / 400) ** 0.5, abs=1e-5)
    assert info.hover[0] == "“␣w0”: 100 of 400 came out, 90.0 expected"
    assert info.hover[-1] == "40 other tokens: 100 of 400 came out, 130.0 expected"


def test_many_tokens_share_the_last_bar():
    many = fit(tokens=20, observed=(20,) * 20, expected=(18.0,) * 20, pooled_observed=0)
    info = fit_info(many)
    assert len(info.piece) == ROWS + 1
    assert sum(info.observed) == pytest.approx(1) and sum(info.expected) == pytest.approx(1)
    assert info.hover[-1].startswith(f"{60 - ROWS} other tokens")


@pytest.mark.parametrize(
    "this",
    [
        fit(),
        fit(tokens=20, observed=(20,) * 20, expected=(18.0,) * 20),
        fit(counted=0, token=(), piece=(), observed=(), expected=(), pooled_observed=0),
        fit(piece=("<b>", "\n", "&"), p_value=0.0),
    ],
)
def test_every_fit_is_drawn(this):
    figure = plot_fit(this, "dark")
    assert [type(trace) for trace in figure.data] == [go.Bar, go.Bar, go.Scatter]
    assert all("<b>" not in text for text in figure.layout.xaxis.ticktext)


def test_shares_are_marked_in_equal_steps_from_nothing_on():
    for observed in (100, 20, 3):
        axis = plot_fit(fit(observed=(observed,) * 3, expected=(observed,) * 3)).layout.yaxis
        steps = {round(b - a, 9) for a, b in zip(axis.tickvals, axis.tickvals[1:], strict=False)}
        assert axis.tickvals[0] == 0 and len(steps) == 1 and axis.tickvals[-1] <= axis.range[1]
        assert list(axis.ticktext) == [f"{100 * mark:g} %" for mark in axis.tickvals]


def test_the_bars_have_their_two_colours_whatever_the_verdict():
    for p_value in (0.4, 1e-9):
        data = fit_figure(fit_info(fit(p_value)))["data"]
        colours = [bars["marker"]["color"] for bars in data[:2]]
        assert colours == ["@target/0.3", "@dim/0.5"]  # the law's, and one that is no verdict's


def test_pairs_have_room_for_both_tokens_and_are_called_pairs():
    pair = fit(place="pair", piece=(" morning", " of the", " a day out"))
    info = fit_info(pair)
    assert info.piece[2] == "␣a␣day␣out" and info.hover[-1].startswith("40 other pairs")
    facts = json.loads(fits_message([pair], 1000, False))["places"][0]
    assert facts["title"] == "First two tokens together"
    assert "40 pairs too rare" in facts["facts"][1]["hover"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        (1.0, "1.00"),
        (0.034, "0.03"),
        (0.0042, "4e-3"),
        (2e-31, "2e-31"),
        (0.0, "< 1e-300"),
    ],
)
def test_p_values_read_as_one_writes_them(value, words):
    assert p_words(value) == words


def test_the_verdict_comes_at_the_end_and_names_the_place_that_failed():
    assert "verdict" not in json.loads(fits_message([fit()], 1000, False))
    good = json.loads(fits_message([fit(), fit(place="bonus")], 500, True))
    assert good["verdict"]["value"] == "agrees with the target's law"
    assert good["verdict"]["holds"] and "500 verifications" in good["verdict"]["says"]
    bad = json.loads(fits_message([fit(), fit(1e-9, place="bonus")], 500, True))
    assert not bad["verdict"]["holds"] and bad["verdict"]["says"].startswith("Bonus token")
    assert [place["refuted"] for place in bad["places"]] == [False, True]
    nothing = json.loads(fits_message([fit(None)], 500, True))
    assert "single token" in nothing["verdict"]["says"]


def test_while_a_proof_runs_no_place_of_it_is_called_refuted():
    places = [fit(1e-9), fit(place="bonus")]
    under_way, over = (json.loads(fits_message(places, 500, end)) for end in (False, True))
    assert [place["refuted"] for place in under_way["places"]] == [False, False]
    assert [place["refuted"] for place in over["places"]] == [True, False]


def test_neither_a_proof_that_was_stopped_nor_a_broken_rule_that_passed_proves_anything():
    stopped = json.loads(fits_message([fit()], 1000, True))["verdict"]
    assert (stopped["holds"], stopped["value"]) == (None, "stopped before a verdict")
    assert stopped["says"].startswith("Too early to tell: 500 verifications")
    small = json.loads(fits_message([fit()], 500, True, is_broken=True))["verdict"]
    assert (small["holds"], small["value"]) == (None, "not refuted")
    assert "The mistake is small in this round" in small["says"]
    for is_broken in (True, False):  # a refutation counts whenever it comes
        found = json.loads(fits_message([fit(1e-9)], 1000, True, is_broken))["verdict"]
        assert found["holds"] is False


def test_a_place_with_one_bin_is_not_shown_where_another_has_more():
    single = fit(None, tokens=1, place="bonus", freedom=0)
    told = json.loads(fits_message([fit(), single], 500, True))
    assert [place["place"] for place in told["places"]] == ["first"]
    assert "(p = 0.40; the test fails below 1e-4)" in told["verdict"]["says"]
    alone = json.loads(fits_message([fit(None, freedom=0), single], 500, True))
    assert [place["place"] for place in alone["places"]] == ["first"]
    assert (alone["verdict"]["holds"], alone["verdict"]["value"]) == (None, "nothing to test")


def test_what_is_taken_without_drawing_is_not_said_to_be_drawn():
    soft = Subject(4, "the sky", (Sibling(" is", 0.5, 0.25),), False, (), is_taken=True)
    message = json.loads(subject_message(soft))
    assert message["drafted"] == "taken below the root" and "draws none" in message["says"]


def test_a_chain_that_is_given_siblings_says_so():
    chain = Subject(4, "the sky", (Sibling(" is", 0.5, 0.25),), True, (), drawn=3)
    says = json.loads(subject_message(chain))["says"]
    assert "this round drafted 1 below the root: every verification draws 3" in says


def test_numbers_of_a_place_have_their_denominator_on_hover():
    facts = json.loads(fits_message([fit()], 1000, False))["places"][0]["facts"]
    assert [fact["value"] for fact in facts] == ["0.40", "4.2", "3", "400"]
    assert facts[3]["hover"] == "of 500 verifications" and "4 bins" in facts[1]["hover"]


def test_a_round_says_whether_its_drafts_are_drawn_anew():
    drawn = Subject(4, "the sky", (Sibling(" is", 0.5, 0.25),), True, (" is",))
    message = json.loads(subject_message(drawn))
    assert (message["round"], message["path"]) == (5, "␣is")
    assert message["siblings"] == [{"piece": "␣is", "draft": "0.50", "target": "0.25"}]
    assert "anew" in message["says"]
    assert message["drafted"] == "drafted below the root"
    block = Subject(4, "the sky", drawn.siblings, True, (), is_block=True)
    message = json.loads(subject_message(block))
    assert message["drafted"] == "drafted as one block" and "chain anew" in message["says"]
    fixed = Subject(0, "", (Sibling("x", None, 1e-7),), False, ())
    message = json.loads(subject_message(fixed))
    assert message["siblings"][0] == {"piece": "x", "draft": "point mass", "target": "1.0e-7"}
    assert "same tokens" in message["says"]


def test_equal_texts_say_how_many_tokens_and_how_close_it_was():
    rounds = tuple(synthetic.rounds(5))
    message = json.loads(equality_message(compare(rounds, rounds)))
    count = sum(len(this.emitted) for this in rounds)
    assert message["holds"] and message["value"] == f"{count} of {count} tokens equal"


def test_a_difference_is_placed_and_a_tie_is_called_one():
    gap = Gap(3, (" a", " b"), 0.2)
    message = json.loads(equality_message(Equality(9, 10, 3, gap, gap)))
    assert (message["holds"], message["difference"]) == (False, 3)
    assert "token 4, “␣a” before “␣b” by 0.2 in logits" in message["says"]
    tie = Gap(3, (" a", " b"), 1e-5)
    message = json.loads(equality_message(Equality(9, 9, 3, tie, tie)))
    assert "tie within rounding" in message["says"] and message["holds"] is None
    assert message["difference"] == 3
    short = json.loads(equality_message(Equality(3, 9, 3, None, gap)))
    assert short["says"] == "One text ends after 3 tokens."
    unknown = json.loads(equality_message(Equality(9, 9, 3, None, None)))
    assert unknown["says"] == "The first difference is token 4."


def test_tokens_travel_with_their_id_text_and_origin():
    this = next(synthetic.rounds(1))
    message = json.loads(tokens_message("plain", 7, this))
    assert message["start"] == 7
    assert [row[0] for row in message["tokens"]] == list(this.emitted.token)
    assert message["tokens"][-1][2] == this.emitted.origin[-1]
