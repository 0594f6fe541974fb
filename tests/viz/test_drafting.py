"""A tree says how its tokens hang together: by its edges, its levels and a sentence."""

import json

import pytest

from tests.viz.records import make_header, make_round
from viz.branches import ACCEPTED, DRAFTED
from viz.drafting import drafting_of
from viz.run_name import LABELS
from viz.stage import Stage, header_message

DRAFTS = [method for method in LABELS if method != "plain"]


def tree_of(method):
    """The tree's figure in the first round of a run."""
    stage = Stage(make_header(method=method))
    return json.loads(stage.round_message(make_round(6)))["panels"]["tree"]["figure"]


@pytest.mark.parametrize("method", DRAFTS)
def test_every_way_to_draft_is_said_once_a_run(method):
    header = json.loads(header_message(make_header(method=method), "live", "tiny"))
    assert header["how"] == drafting_of(method).says != ""
    assert header["is_alone"] == (method == "medusa")  # a race's lanes are told by it


@pytest.mark.parametrize("method", ["plain", "a name of the future"])
def test_of_what_drafts_nothing_or_is_not_known_nothing_is_said(method):
    assert json.loads(header_message(make_header(method=method), "live", "tiny"))["how"] == ""


@pytest.mark.parametrize(
    ("method", "dash", "level"),
    [
        ("medusa", "dot", "head 1"),
        ("hydra", None, "head 1"),
        ("hydra++", None, "head 1"),
        ("eagle", None, "↻ 1"),
        ("eagle3", None, "↻ 1"),
        ("draft_tree", None, "level 1"),
    ],
)
def test_guesses_that_know_nothing_of_each_other_are_joined_by_dots(method, dash, level):
    """What was judged stands out in its own style over either."""
    tree = tree_of(method)
    assert tree["data"][DRAFTED]["line"].get("dash") == dash
    assert "dash" not in tree["data"][ACCEPTED]["line"]
    assert tree["layout"]["xaxis"]["ticktext"][:2] == ["root", level]
