"""What the judgement shows of q: a law where tokens were drawn, 1 where they were taken."""

from dataclasses import replace

import pytest

from engine.records import Emitted, Law, Nodes, Round
from tests.viz.test_infos import ROUND
from viz.figure import apply
from viz.judgement import NUMBERS, judgement_panel
from viz.judgement_info import judgement_info
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
    emitted=Emitted((51, 52, 55), ("accepted", "accepted", "recovered"), (" and", " is", " dark")),
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
    (_, q, _), numbers, note = shown(ROUND, "judge", 1)
    assert q == [0.25, 0.5, 0.25]
    assert numbers == [".40 | .25", ".10 | .50", ".50 | .25"]
    assert note == ""


@pytest.mark.parametrize(("node", "q"), [(1, [0, 0, 1, 0]), (2, [1, 0, 0, 0])])
def test_where_tokens_were_taken_q_is_one_for_the_token_in_hand_alone(node, q):
    bars, numbers, note = shown(TAKEN, "judge", node)
    assert bars[1] == q
    assert [text.split(" | ")[1] for text in numbers] == ["1.00" if x else "–" for x in q]
    assert "q is 1 for this one" in note


def residuals(this: Round, *at: tuple[str, int], **more: bool) -> list[list[float]]:
    """The residual's bars at some judgements of a round."""
    return [shown(this, phase, node, **more)[0][2] for phase, node in at]


def test_of_drawn_tokens_the_residual_stands_where_one_was_refused_alone():
    first, last, end = residuals(ROUND, *[("judge", i) for i in (1, 4)], ("emit", 0))
    assert not any(first)  # what it left of p is not recorded: the second sibling changed it
    assert last == end == [0.9, 0, 0.1]


@pytest.mark.parametrize(
    ("chance", "left", "note"),
    [
        (0.6, 0.3, "q and r after 1 refusal"),
        (0.0, 0.0, "q and r after 1 refusal"),
        (1.0, 0.0, "q after 1 refusal, r no smaller"),
        (None, 0.0, "q after 1 refusal"),
    ],
)
def test_a_drawn_token_behind_refused_ones_stands_beside_what_decided(chance, left, note):
    """Without “ and”, whose q was one half, q is twice as large; r is the chance times q."""
    column = None if chance is None else (None, 0.2, chance, None, 0.25)
    this = replace(ROUND, nodes=replace(ROUND.nodes, accept_prob=column))
    (p, q, r), numbers, said = shown(this, "judge", 2)
    assert (p, q, said) == ([0.4, 0.1, 0.5], [0.5, 0, 0.5], note)
    assert r == [left, 0, 0] and numbers[0] == ".40 | .50"


def test_of_taken_siblings_the_residual_is_what_the_refused_ones_left_of_p():
    first, second, last = residuals(TAKEN, *[("judge", i) for i in (1, 2, 4)])
    assert not any(first) and not any(last)  # nothing was refused before: p itself
    assert second == [0.44, 0.33, 0, 0.22]  # 0.4, 0.3, 0.1 and the rest, of 0.9
    assert shown(TAKEN, "judge", 1)[2] == "taken, not drawn: q is 1 for this one"
    assert shown(TAKEN, "judge", 2)[2] == "q is 1 for this one; residual: p left"
    assert residuals(TAKEN, ("emit", 0)) == [[0.6, 0, 0.4]]


def test_where_the_only_token_was_accepted_nothing_is_left_of_p():
    sure = Law(0, (52, 51), (1.0, 0.0), (1.0, 0.0), (1.0, 0.0), (0.4, 0.1))  # as ``without`` has it
    this = replace(BONUS, laws=(sure, BONUS.laws[1]))
    assert residuals(this, ("judge", 1)) == [[0] * 3]


def test_refused_tokens_that_were_all_of_p_leave_p_itself():
    law = replace(TAKEN.laws[0], target=(0.0, 1.0, 0.0))
    this = replace(TAKEN, laws=(law, TAKEN.laws[1]))
    assert residuals(this, ("judge", 2)) == [[1, 0, 0, 0]]  # 1.0 of “ and”, which comes first


def test_a_text_that_ends_within_its_path_draws_nothing_from_a_residual():
    emitted = Emitted((52,), ("accepted",), (" is",))
    this = replace(BONUS, emitted=emitted, laws=BONUS.laws[:1])
    assert residuals(this, ("judge", 1), ("emit", 0)) == [[0] * 3] * 2


def test_the_residual_of_a_block_stands_where_its_kept_end_was_refused():
    kept, end = residuals(BLOCK, ("judge", 1), ("judge", 3), is_block=True)
    assert not any(kept) and end == [0.9, 0, 0.1]


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
    assert words[1] == "“␣a…” accepted: u .90 ≥ h .15, with a later one"
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


def wide(refused: int) -> Round:
    """A root whose children, taken one after another, are all refused; then a token is drawn."""
    token = (50, *range(60, 60 + refused))
    nodes = Nodes(
        token,
        (-1, *[0] * refused),
        (0, *range(refused)),
        (None, *[0.1] * refused),
        (None, *[0.01] * refused),
        (None, *[0.9] * refused),
        ("root", *["rejected"] * refused),
    )
    law = Law(
        0,
        (*token[1:], 55, 56),
        (*[0.01] * refused, 0.3, 0.5),
        (*[1.0] * refused, 0.0, 0.0),
        (*[0.0] * refused, 0.4, 0.6),
        (*[0.01] * refused, 0.3, 0.5),
    )
    emitted = Emitted((55,), ("recovered",), (" dark",))
    return replace(ROUND, nodes=nodes, laws=(law,), emitted=emitted)


def bold(this: Round, phase: str, node: int) -> list[str]:
    order = steps(this)
    panel = judgement_panel(judgement_info(this), order)
    for step, patch in zip(order, panel["steps"], strict=True):
        apply(panel["figure"], patch)
        if (step.phase, step.node) == (phase, node):
            break
    names = panel["figure"]["layout"]["yaxis"]["ticktext"]
    return [name for name in names if "<b>" in name]


def test_the_token_in_hand_has_a_row_however_many_siblings_were_tested():
    this = wide(8)
    this = replace(this, pieces={**this.pieces, **{60 + i: f" w{i}" for i in range(8)}})
    for node in range(1, 9):
        assert bold(this, "judge", node) == [f"<b>␣w{node - 1}</b>"]
        (_, q, _), numbers, _ = shown(this, "judge", node)
        assert q.count(1) == 1 and numbers[q.index(1)] == ".01 | 1.00"
    assert bold(this, "emit", 0) == ["<b>␣dark</b>"]


def names(this: Round, phase: str) -> list[str]:
    """The rows at the last step of a phase."""
    order = steps(this)
    panel = judgement_panel(judgement_info(this), order)
    for step, patch in zip(order, panel["steps"], strict=True):
        apply(panel["figure"], patch)
        if step.phase == phase:
            break
    return panel["figure"]["layout"]["yaxis"]["ticktext"]


def test_a_draw_shows_the_law_it_was_from_the_likeliest_first():
    this = wide(8)
    (_, _, residual), numbers, _ = shown(this, "emit")
    assert residual == [0.6, 0.4, 0, 0, 0, 0]  # nothing of it is in the rest
    assert numbers[:2] == [".50 | –", ".30 | –"]
    bonus = replace(BONUS, laws=(BONUS.laws[0], replace(BONUS.laws[1], target=(0.1, 0.81))))
    assert shown(bonus, "emit")[0][0][:2] == [0.81, 0.1]
    assert names(bonus, "emit")[:2] == ["␣blue", "<b>␣dark</b>"]


def test_a_drawn_token_has_a_row_however_unlikely_it_was():
    law = wide(8).laws[0]
    few = (0.0, *[0.1] * 7, 0.0001, 0.3)  # of the residual: “ dark” is the last but one
    this = replace(wide(8), laws=(replace(law, residual=few),))
    assert bold(this, "emit", 0) == ["<b>␣dark</b>"]
    assert shown(this, "emit")[0][2] == [0.3, 0.1, 0.1, 0.1, 0, 0.4]


def test_rows_add_up_with_the_rest_to_the_whole_law():
    for rows in shown(wide(8), "judge", 1)[0][0], shown(ROUND, "judge", 1)[0][0]:
        assert sum(rows) == pytest.approx(1)


def test_behind_the_end_of_what_a_block_keeps_no_law_is_shown():
    nodes = replace(BLOCK.nodes, verdict=("root", "accepted", "rejected", "rejected"))
    emitted = Emitted((51, 55), ("accepted", "recovered"), (" and", " dark"))
    laws = (BLOCK.laws[0], replace(BLOCK.laws[1], node=1))
    this = replace(BLOCK, nodes=nodes, emitted=emitted, laws=laws)
    assert shown(this, "judge", 2, is_block=True)[2] == "h: the chance to keep all up to this one"
    bars, numbers, note = shown(this, "judge", 3, is_block=True)
    assert not any(map(any, bars)) and not "".join(numbers).strip()
    assert note == "no law is recorded here"
    assert shown(this, "emit", 0, is_block=True)[0][0][0] == 0.5


def test_a_law_of_a_single_token_was_drawn_from_all_the_same():
    """As top p leaves it; the header tells it from a tree that was taken."""
    info = judgement_info(TAKEN, has_point_mass=False)
    assert info.places[2].kind == "drawn"
    assert info.words[4] == "“␣blue” rejected: u .75 ≥ p/q .20"
    assert judgement_info(TAKEN).places[2].kind == "taken"
    assert tree_info(TAKEN, has_point_mass=False).taken == []
    assert tree_info(TAKEN).taken == [1, 2, 4]


def test_the_numbers_have_a_heading_and_small_ones_keep_their_digits():
    law = Law(0, (52, 51), (0.0043, 0.00012), (0.5, 0.004), (0.3, 0.0), (0.4, 0.1))
    this = replace(ROUND, laws=(law, ROUND.laws[1]))
    figure = judgement_panel(judgement_info(this), steps(this))["figure"]
    assert figure["layout"]["annotations"][0]["text"].split() == ["p", "|", "q"]
    assert shown(this, "judge", 1)[1][:2] == [".0043 | .50", "1.2e-4 | .0040"]


def test_what_decided_is_seen_though_the_token_is_long():
    pieces = {**ROUND.pieces, 51: " incomprehensibilities"}
    title = judgement_info(replace(ROUND, pieces=pieces)).words[1]
    assert title == "“␣incomprehens…” rejected: u .90 ≥ p/q .20"
    assert len(title) <= 42
    pieces = {**ROUND.pieces, 55: " incomprehensibilities"}
    assert (
        judgement_info(replace(ROUND, pieces=pieces)).last
        == "“␣incomprehens…” drawn from the residual"
    )


def test_where_the_numbers_are_long_the_token_is_shorter_still():
    pieces = {**ROUND.pieces, 51: " incomprehensibilities"}
    nodes = replace(ROUND.nodes, uniform=(None, 0.00012, 0.3, None, 0.75))
    law = replace(ROUND.laws[0], target=(0.4, 1e-10), draft=(0.25, 1.0))
    nodes = replace(nodes, target_prob=(None, 1e-10, 0.4, 0.3, 0.2))
    this = replace(ROUND, pieces=pieces, nodes=nodes, laws=(law, ROUND.laws[1]))
    title = judgement_info(this).words[1]
    assert title == "“␣incom…” rejected: u 1.2e-4 ≥ p/q 1.0e-10"
    assert len(title) <= 43


def test_the_tree_calls_its_number_the_draft_probability_and_says_where_a_token_was_taken():
    for this, taken in ((ROUND, ""), (TAKEN, " · taken, not drawn: q 1")):
        panel = tree_panel(tree_info(this), steps(this))
        for patch in panel["steps"]:
            apply(panel["figure"], patch)
        hover = panel["figure"]["data"][4]["hovertext"]
        assert hover[1] == "␣and · draft probability .50 · p .10 · u .90" + taken
        assert hover[3] == "␣in · draft probability .12"  # not tested
