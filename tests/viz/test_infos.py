"""What the figures show, by value: one round written out by hand."""

import json
from dataclasses import replace

import pytest

from engine.attention.tree_mass import TreeMass
from engine.records import CacheStep, Emitted, Law, Nodes, Round, Seconds
from engine.run_facts import End, Yardstick
from engine.stats import Tally
from tests.viz.records import make_end, make_header, make_round, make_rounds
from viz.caches import MOST, caches_info, caches_panel
from viz.cells import CELLS
from viz.facts import facts_info
from viz.figure import apply
from viz.judgement_info import judgement_info
from viz.mask import NOT_YET, mask_info, mask_panel
from viz.phases import steps
from viz.says import NOTHING_FOUND, NOTHING_PAYS, says, why_nothing
from viz.stage import Stage
from viz.text import Span, text_info
from viz.timeline import timeline_info
from viz.tree_info import MAX_DRAWN, tree_info

# 0 " air" -> 1 " and" (rejected), 2 " is" (accepted) -> 4 " blue" (rejected); 3 hangs below 1
ROUND = Round(
    index=6,
    start=10,
    nodes=Nodes(
        token=(50, 51, 52, 53, 54),
        parent=(-1, 0, 0, 1, 2),
        rank=(0, 0, 1, 0, 0),
        draft_prob=(None, 0.5, 0.25, 0.125, 0.8),
        target_prob=(None, 0.1, 0.4, 0.3, 0.2),
        uniform=(None, 0.9, 0.3, None, 0.75),
        verdict=("root", "rejected", "accepted", "untested", "rejected"),
        accept_prob=(None, 0.2, 0.6, None, 0.25),
    ),
    emitted=Emitted((52, 55), ("accepted", "recovered"), (" is", " dark")),
    laws=(
        Law(0, (52, 51), (0.4, 0.1), (0.25, 0.5), (0.3, 0.0), (0.4, 0.1)),
        Law(2, (54, 55), (0.2, 0.5), (0.8, 0.0), (0.0, 0.9), (0.2, 0.5)),
    ),
    caches=(CacheStep("target", 9, 5, (9, 11)), CacheStep("draft", 9, 3, (9,))),
    seconds=Seconds(0.01, 0.03, 0.0, 0.002),
    pieces={50: " air", 51: " and", 52: " is", 53: " in", 54: " blue", 55: " dark"},
)


def test_a_round_has_the_steps_of_the_contract_in_order():
    phases = [step.phase for step in steps(ROUND)]
    assert phases == ["draft"] * 2 + ["verify"] + ["judge"] * 3 + ["commit", "emit"]
    assert [step.node for step in steps(ROUND) if step.phase == "judge"] == [1, 2, 4]
    assert [step.label for step in steps(ROUND)][:4] == [
        "draft · level 1",
        "draft · level 2",
        "verify · 5 nodes",
        "judge · ␣and",
    ]


def test_plain_decoding_has_no_draft_and_no_judge_step():
    assert [step.phase for step in steps(make_round(0))] == ["verify", "commit", "emit"]


def test_the_tree_holds_every_node_and_the_recovered_token_at_the_path():
    info = tree_info(ROUND)
    assert info.piece == [" air", " and", " is", " in", " blue"]
    assert info.depth == [0, 1, 1, 2, 2]
    assert info.tested == [1, 2, 4]
    assert (info.extra.role, info.extra.piece, info.extra.parent) == ("recovered", " dark", 2)
    assert info.num_rows == 3
    assert info.extra.row == max(info.row)


@pytest.mark.parametrize(("drafted", "text"), [(0, "3044<br>slots"), (8, "3044 slots")])
def test_the_number_of_slots_stands_within_its_column(drafted, text):
    this = make_round(drafted, start=3045)
    order = steps(this)
    panel = mask_panel(mask_info(this), order)
    for patch in panel["steps"]:
        apply(panel["figure"], patch)
    (slots,) = panel["figure"]["layout"]["annotations"]
    assert (slots["text"], slots["textangle"]) == (text, -90 if drafted else 0)


def test_a_round_that_ends_within_its_path_has_no_extra_token():
    cut = make_round(10, 2, chance=1.0)
    kept = cut.nodes.path[:2]
    verdict = tuple(v if i in kept else "untested" for i, v in enumerate(cut.nodes.verdict))
    ended = Emitted(cut.emitted.token[:1], ("accepted",), cut.emitted.text[:1])
    this = replace(cut, nodes=replace(cut.nodes, verdict=verdict), emitted=ended)
    assert tree_info(this).extra is None


def test_of_a_thousand_nodes_the_judged_ones_are_drawn():
    this = make_round(1000, seed=3, depth=8)
    info = tree_info(this)
    assert len(info.node) <= MAX_DRAWN
    assert info.num_hidden == 1001 - len(info.node)
    assert {i for i, v in enumerate(this.nodes.verdict) if v == "accepted"} <= set(info.node)
    for node, parent in enumerate(info.parent):
        assert parent < node
        assert info.depth[node] == (info.depth[parent] + 1 if node else 0)


def test_of_a_path_longer_than_what_is_drawn_the_extra_token_hangs_at_its_last_drawn_node():
    this = make_round(10, seed=3)
    count = MAX_DRAWN + 100
    half, token = (0.5,) * count, (this.nodes.token[0],) * (count + 1)
    probs, verdict = (None, *half), ("root", *("accepted",) * count)
    rank, parent = (0,) * (count + 1), tuple(range(-1, count))
    nodes = Nodes(token, parent, rank, probs, probs, (0.1, *half), verdict)
    emitted = Emitted(token, (*["accepted"] * count, "bonus"), ("",) * (count + 1))
    info = tree_info(replace(this, nodes=nodes, emitted=emitted, laws=(), caches=()))
    assert len(info.node) == MAX_DRAWN and info.extra.parent == MAX_DRAWN - 1


def test_a_large_cache_is_told_in_gibibytes():
    header = replace(make_header(), slot_bytes={"target": 128 * 2**20, "draft": 2**20})
    target, draft = caches_info(header, ROUND).strips
    assert (target.size, draft.size) == ("1.38 GiB", "10 MiB")


def test_caches_tell_what_was_written_kept_and_missing():
    target, draft = caches_info(make_header(), ROUND).strips
    assert target.story(5, is_committed=True) == "target 9 → 14 written → 11 kept"
    assert target.moved == ((11, 10),)
    assert target.hole == 0
    assert draft.hole == 1  # committed 12, the last of them nowhere cached, the draft holds 10
    assert target.size == "495 KiB"


@pytest.mark.parametrize("size", [0, -5])
def test_a_cache_whose_slots_were_not_there_yet_is_not_said_to_take_nothing(size):
    header = replace(make_header(), slot_bytes={"target": size})
    target, draft = caches_info(header, ROUND).strips
    assert target.size == draft.size == ""


@pytest.mark.parametrize("written", [5, 200, 2000])
def test_the_folded_block_takes_the_same_share_of_the_strip_however_much_was_written(written):
    cache = CacheStep("target", 5000, written, (5000,))
    panel = caches_panel(caches_info(make_header(), replace(ROUND, caches=(cache,))), steps(ROUND))
    left, right = panel["figure"]["layout"]["xaxis"]["range"]
    fold = panel["figure"]["data"][-1]
    assert 0.05 < fold["width"] / (right - left) < 0.07
    assert left < fold["x"][0] - fold["width"] / 2 < fold["x"][0] + fold["width"] / 2 <= 5000


def test_a_prefix_longer_than_the_strip_is_folded():
    info = caches_info(make_header(), make_round(4, start=900))
    assert info.first > 800
    assert caches_info(make_header(), make_round(4, start=20)).first == 0


@pytest.mark.parametrize(("before", "written"), [(0, 10**6), (10**6, 5)])
def test_however_many_slots_a_cache_has_only_the_last_are_drawn(before, written):
    caches = (CacheStep("draft", before, written, ()), CacheStep("target", 9, 3, ()))
    panel = caches_panel(caches_info(make_header(), replace(ROUND, caches=caches)), steps(ROUND))
    assert len(json.dumps(panel)) < 50_000
    assert f"{before + written + 2 - MOST} ⋯" in str(panel)


def test_text_strikes_the_rejected_token_where_it_stood():
    assert text_info(ROUND) == [
        Span(" and", "rejected", True),
        Span(" is", "accepted"),
        Span(" blue", "rejected", True),
        Span(" dark", "recovered"),
    ]


def test_text_is_not_escaped_since_it_never_is_markup():
    pieces = {**ROUND.pieces, 54: "<i>"}
    this = Round(0, 10, ROUND.nodes, ROUND.emitted, (), (), ROUND.seconds, pieces)
    assert text_info(this)[2].text == "<i>"


def test_facts_carry_their_denominators():
    told = facts_info(Tally.of([ROUND]), is_over=False, awaits_plain=True)
    facts = {fact.label: fact for fact in told}
    assert facts["tokens per pass"].value == "2.00"
    assert facts["tokens per pass"].hover == "2 tokens in 1 target pass"
    assert facts["acceptance rate"].value == "33 %"
    assert facts["acceptance rate"].hover == "1 accepted of 3 tested nodes"
    assert facts["drafted tokens kept"].value == "1 / 4"
    assert facts["of a round is drafting"].value == "24 %"
    assert facts["of plain, after the run"].value == "…"


def test_the_speed_up_is_shown_once_it_was_measured():
    tally = Tally.of([ROUND])
    end = End("length", 1, 2, 0.5, Yardstick(2, 1.0, 2))
    measured = facts_info(tally, end)[1]
    assert (measured.value, measured.label) == ("2.00×", "of plain, measured")
    assert facts_info(tally, End("length", 1, 2, 0.5))[1].label == "of plain, not measured"


@pytest.mark.parametrize(
    ("seconds", "value", "label"), [(1.04, "2.08×", "measured"), (1.06, "–", "unsteady")]
)
def test_a_speed_up_that_no_such_passes_can_bring_is_not_shown_as_one(seconds, value, label):
    """Every pass of a run costs what a plain one does, or more."""
    tally = Tally.of([ROUND])
    tokens = tally.tokens
    end = End("length", 1, tokens, 1.0, Yardstick(tokens, seconds * tokens, tokens))
    fact = facts_info(tally, end)[1]
    assert (fact.value, fact.label) == (value, f"of plain, {label}")
    assert ("the machine was busy" in fact.hover) == (label == "unsteady")


def test_a_run_whose_yardstick_is_known_shows_its_speed_up_so_far():
    tally, plain = Tally.of([ROUND]), Yardstick(10, 1.0, 10)
    fact = facts_info(tally, plain=plain, is_over=False)[1]
    assert fact.label == "of plain, so far"
    assert fact.value == f"{2 / ROUND.seconds.total / 10:.2f}×"


@pytest.mark.parametrize(
    ("known", "value", "label"),
    [
        (dict(is_over=False, awaits_plain=True), "…", "of plain, after the run"),
        (dict(is_over=False), "–", "of plain, not measured"),
        (dict(end=End("length", 1, 2, 0.5), awaits_plain=True), "…", "of plain, being measured"),
        (dict(end=End("length", 1, 2, 0.5)), "–", "of plain, not measured"),
        (dict(end=End("cancelled", 1, 2, 0.5)), "–", "of plain, stopped"),
        (dict(end=End("memory", 1, 2, 0.5)), "–", "of plain, not measured"),
        (dict(end=None), "–", "of plain, not measured"),
    ],
)
def test_a_speed_up_that_is_not_there_says_whether_it_will_be(known, value, label):
    fact = facts_info(Tally.of([ROUND]), **known)[1]
    assert (fact.value, fact.label) == (value, label)


@pytest.mark.parametrize("known", [dict(is_over=False), dict(end=End("length", 1, 2, 0.5))])
def test_plain_decoding_is_as_fast_as_itself(known):
    rounds = make_rounds(3, drafted=0)
    fact = facts_info(Tally.of(rounds), is_plain=True, **known)[1]
    assert (fact.value, fact.label) == ("1.00×", "plain itself")


def test_a_plain_run_is_told_apart_by_its_method():
    def label(method: str) -> str:
        stage = Stage(make_header(method))
        return json.loads(stage.round_message(make_round(0)))["panels"]["facts"][1]["label"]

    assert (label("plain"), label("lookup")) == ("plain itself", "of plain, not measured")


def test_facts_of_no_round_are_dashes():
    assert {fact.value for fact in facts_info(Tally())} == {"–"}


def test_plain_decoding_says_what_verifying_takes():
    facts = facts_info(Tally.of(make_rounds(3, drafted=0)), make_end(make_rounds(3, drafted=0)))
    assert facts[0].value == "1.00"
    assert facts[-1].label == "of a round is verifying"


def test_judgement_compares_the_uniform_with_p_over_q():
    info = judgement_info(ROUND)
    assert info.words[1] == "“␣and” rejected: u .90 ≥ p/q .20"
    assert info.words[4] == "“␣blue” rejected: u .75 ≥ p/q .25"
    # the second sibling met what the first has left of p and q, which p/q does not tell
    assert info.words[2] == "“␣is” accepted: u .30 < r/q .60"


def test_the_mask_is_ancestors_and_self():
    info = mask_info(ROUND)
    pairs = [pair for step in info.seen for pair in step]
    assert [column for row, column in pairs if row == 4] == [4, 2, 0]  # itself, parent, root
    assert len(pairs) == sum(depth + 1 for depth in ROUND.nodes.depth)
    assert info.prefix == 9 and info.mass is None


def test_a_mask_that_shows_a_part_says_so():
    titles = [
        mask_panel(mask_info(this), steps(this))["titles"][-1] for this in (ROUND, make_round(200))
    ]
    assert titles == ["verify pass, 5 nodes", "verify pass, first 96 of 201 nodes"]


@pytest.mark.parametrize(("drafted", "is_named"), [(10, True), (200, False)])
def test_before_the_verify_pass_the_mask_tells_nothing_of_the_tree_to_come(drafted, is_named):
    this = make_round(drafted, start=40)
    order, panel = steps(this), mask_panel(mask_info(this), steps(this))
    verify = [step.phase for step in order].index("verify")
    seen = {"opacity": 1, "hoverinfo": "all"}
    for number, patch in enumerate(panel["steps"]):
        apply(panel["figure"], patch)
        is_seen = number >= verify
        data, layout = panel["figure"]["data"], panel["figure"]["layout"]
        assert all((trace.items() >= seen.items()) == is_seen for trace in data)
        assert layout["yaxis"]["showticklabels"] == (is_seen and is_named)
        words = [note["text"] for note in layout["annotations"]]
        assert words == ["39 slots" if is_seen else NOT_YET]
        assert bool(panel["titles"][number]) == is_seen
    assert all(trace["opacity"] == 0 and trace["hoverinfo"] == "skip" for trace in CELLS)


def test_the_mask_knows_how_much_attention_the_tree_takes():
    this = replace(ROUND, mass=TreeMass(29, (0.5, 0.25, 0.125, 1.0, 0.0)))
    assert mask_info(this).mass == this.mass
    large = make_round(200, mass=True)
    assert len(mask_info(large).mass.share) == len(mask_info(large).piece) < 200


def test_the_time_line_scales_to_the_longer_of_round_and_plain():
    info = timeline_info(ROUND, plain_step=0.05)
    assert info.milliseconds == [10.0, 30.0, 0.0, 2.0]
    assert info.whole == pytest.approx(100.0)
    assert timeline_info(ROUND).whole == pytest.approx(42.0)


def test_a_round_is_said_in_a_sentence():
    assert says(ROUND) == "Round 7: 1 of 4 drafted tokens accepted, recovered “ dark”"
    assert says(make_round(0)).startswith("Round 1: nothing drafted, sampled “")


@pytest.mark.parametrize(
    ("method", "config", "tokens", "drafted", "words"),
    [
        ("draft", {}, 5, 0, NOTHING_PAYS),
        ("medusa", {}, 5, 0, NOTHING_PAYS),
        ("lookup", {}, 5, 0, NOTHING_FOUND),
        ("draft", {}, 5, 3, ""),
        ("draft", {"tree": 8}, 5, 0, ""),
        ("draft", {}, 64, 0, ""),
        ("plain", {}, 5, 0, ""),
    ],
)
def test_who_drafts_nothing_by_choice_says_why(method, config, tokens, drafted, words):
    settings = {"tree": "auto", "max_new_tokens": 64} | config
    header, this = replace(make_header(method), config=settings), make_round(drafted)
    assert why_nothing(header, this, tokens) == words
    assert says(this, words).endswith(f"; {words}") == bool(words)
