"""What the judgement shows of q: a law where tokens were drawn, 1 where they were taken."""

from dataclasses import replace

import pytest

from engine.records import Emitted, Law, Nodes, Round
from tests.viz.test_infos import ROUND
from viz.figure import apply
from viz.judgement import NUMBERS, judgement_info, judgement_panel
from viz.phases import steps
from viz.tree import tree_panel
from viz.tree_info import tree_info

# the same tree, taken: 1 and 2 below the root, 4 below 2
TAKEN = replace(
    ROUND,
    nodes=replace(ROUND.nodes, accept_prob=(None, 0.1, 0.444444, None, 0.2)),
    laws=(
        Law(0, (52, 51, 55), (0.4, 0.1, 0.3), (1.0, 1.0, 0.0), (0.0, 0.0, 0.6), (0.4, 0.1, 0.3)),
        Law(2, (55, 54), (0.5, 0.2), (0.0, 1.0), (0.6, 0.0), (0.5, 0.2)),
    ),
)
# one node, accepted; behind it nothing was drafted, and the device left p as the residual
BONUS = replace(
    ROUND,
    nodes=Nodes(
        (50, 52), (-1, 0), (0, 0), (None, 0.5), (None, 0.4), (None, 0.3), ("root", "accepted")
    ),
    emitted=Emitted((52, 55), ("accepted", "bonus"), (" is", " dark")),
    laws=(
        Law(0, (52, 51), (0.4, 0.1), (0.5, 0.1), (0.3, 0.0), (0.4, 0.1)),
        Law(1, (55, 54), (0.81, 0.1), (0.0, 0.0), (0.81, 0.1), (0.8, 0.1)),
    ),
)
# a chain judged as one block: the first is kept though its own uniform is too large
BLOCK = replace(
    ROUND,
    nodes=Nodes(
        token=(50, 51, 52, 54),
        parent=(-1, 0, 1, 2),
        rank=(0, 0, 0, 0),
        draft_prob=(None, 0.5, 0.25, 0.8),
        target_prob=(None, 0.1, 0.4, 0.2),
        uniform=(None, 0.9, 0.3, 0.75),
        verdict=("root", "accepted", "accepted", "rejected"),
        accept_prob=(None, 0.15, 0.4, 0.05),
    ),
    laws=(
        Law(0, (52, 51), (0.4, 0.1), (0.25, 0.5), (0.3, 0.0), (0.4, 0.1)),
        Law(2, (54, 55), (0.2, 0.5), (0.8, 0.0), (0.0, 0.9), (0.2, 0.5)),
    ),
)
PLAIN = replace(
    ROUND,
    nodes=Nodes((50,), (-1,), (0,), (None,), (None,), (None,), ("root",)),
    emitted=Emitted((55,), ("sampled",), (" dark",)),
    laws=(Law(0, (55, 54), (0.81, 0.1), (0.0, 0.0), (0.81, 0.1), (0.8, 0.1)),),
)


def shown(this: Round, phase: str, node: int = 0, is_block: bool = False):
    """The bars of p, q and the residual, the numbers without their room, the note."""
    order = steps(this)
    panel = judgement_panel(judgement_info(this, is_block), order)
    for step, patch in zip(order, panel["steps"], strict=True):
        apply(panel["figure"], patch)
        if step.phase == phase and step.node == node:
            break
    data = panel["figure"]["data"]
    numbers = [text.replace("\u2007", "") for text in data[NUMBERS]["text"]]
    note = panel["figure"]["layout"]["annotations"][1]["text"]
    return [trace["x"] for trace in data[:NUMBERS]], numbers, note


def test_where_tokens_were_drawn_every_token_has_its_q():
    (_, q, residual), numbers, note = shown(ROUND, "judge", 1)
    assert q == [0.25, 0.5, 0.25] and residual[0] == 0.3
    assert numbers == [".40 | .25", ".10 | .50", ".50 | .25"]
    assert note == ""


@pytest.mark.parametrize(("node", "q"), [(1, [0, 0, 1, 0]), (2, [1, 0, 0, 0])])
def test_where_tokens_were_taken_q_is_one_for_the_token_in_hand_alone(node, q):
    bars, numbers, note = shown(TAKEN, "judge", node)
    assert bars[1] == q
    assert [text.split(" | ")[1] for text in numbers] == ["1.00" if x else "–" for x in q]
    assert note.startswith("taken, not drawn")


def test_a_taken_token_is_held_against_what_its_refused_siblings_left_of_p():
    words = judgement_info(TAKEN).words
    assert words[1] == "“␣and” rejected: u .90 ≥ p .10"
    assert words[2] == "“␣is” accepted: u .30 < p left .44"  # 0.4 of the 0.9 without “ and”
    assert words[4] == "“␣blue” rejected: u .75 ≥ p .20"


def test_what_is_surely_accepted_is_held_against_1():
    sure = replace(ROUND, nodes=replace(ROUND.nodes, accept_prob=(None, 0.2, 1.0, None, 0.25)))
    assert judgement_info(sure).words[2] == "“␣is” accepted: u .30 < 1 ≤ r/q"


def test_a_file_that_does_not_tell_what_decided_shows_the_numbers_side_by_side():
    bare = replace(ROUND, nodes=replace(ROUND.nodes, accept_prob=None))
    words = judgement_info(bare).words
    assert words[1] == "“␣and” rejected: u .90 ≥ p/q .20"  # p and q of a first child do
    assert words[2] == "“␣is” accepted: u .30, p .40, q .25"
    words = judgement_info(replace(BLOCK, nodes=replace(BLOCK.nodes, accept_prob=None)), True).words
    assert words[1] == "“␣and” accepted: u .90, p .10, q .50"


def test_a_block_is_held_against_h_and_a_token_is_kept_with_a_later_one():
    words = judgement_info(BLOCK, True).words
    assert words[1] == "“␣and” accepted: u .90 ≥ h .15, with a later one"
    assert words[2] == "“␣is” accepted: u .30 < h .40"
    assert words[3] == "“␣blue” rejected: u .75 ≥ h .05"
    bars, numbers, note = shown(BLOCK, "judge", 1, is_block=True)
    assert bars[1] == [0.25, 0.5, 0.25] and note == "h: the chance to keep all up to this one"


def test_a_tree_is_no_block_whatever_the_settings_say():
    assert judgement_info(ROUND, True) == judgement_info(ROUND)


@pytest.mark.parametrize("this", [BONUS, PLAIN], ids=["bonus", "plain"])
def test_where_nothing_was_drafted_there_is_no_q_and_no_residual(this):
    (p, q, residual), numbers, note = shown(this, "emit", steps(this)[-1].node)
    assert p[:2] == [0.81, 0.1]
    assert not any(q) and not any(residual)
    assert numbers[:2] == [".81 | –", ".10 | –"]
    assert note == "nothing was drafted here"


def test_the_numbers_have_a_heading_and_small_ones_keep_their_digits():
    law = Law(0, (52, 51), (0.0043, 0.00012), (0.5, 0.004), (0.3, 0.0), (0.4, 0.1))
    this = replace(ROUND, laws=(law, ROUND.laws[1]))
    figure = judgement_panel(judgement_info(this), steps(this))["figure"]
    assert figure["layout"]["annotations"][0]["text"].split() == ["p", "|", "q"]
    assert shown(this, "judge", 1)[1][:2] == [".0043 | .50", "1.2e-4 | .0040"]


def test_what_decided_is_seen_though_the_token_is_long():
    pieces = {**ROUND.pieces, 51: " incomprehensibilities"}
    title = judgement_info(replace(ROUND, pieces=pieces)).words[1]
    assert title == "“␣incompreh…” rejected: u .90 ≥ p/q .20"
    assert len(title) <= 40


def test_the_tree_calls_its_number_the_draft_probability_and_says_where_a_token_was_taken():
    for this, taken in ((ROUND, ""), (TAKEN, " · taken, not drawn: q 1")):
        panel = tree_panel(tree_info(this), steps(this))
        for patch in panel["steps"]:
            apply(panel["figure"], patch)
        hover = panel["figure"]["data"][4]["hovertext"]
        assert hover[1] == "␣and · draft probability .50 · p .10 · u .90" + taken
        assert hover[3] == "␣in · draft probability .12"  # not tested
