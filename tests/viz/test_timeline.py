"""The time of a round as it goes by: no title and no bar tells what is to come."""

import pytest

from tests.viz.records import make_round
from tests.viz.test_infos import ROUND
from viz import theme
from viz.figure import apply
from viz.phases import steps
from viz.timeline import timeline_info, timeline_panel


def test_every_step_tells_its_phase_and_the_last_one_the_whole():
    order = steps(ROUND)
    titles = timeline_panel(timeline_info(ROUND, plain_step=0.05), order)["titles"]
    told = dict(zip((step.phase for step in order), titles, strict=True))
    assert told == {
        "draft": "draft 10 ms",
        "verify": "verify 30 ms",
        "judge": "accept 0.0 ms",
        "commit": "commit 2.0 ms",
        "emit": "42 ms for 2 tokens, plain 100 ms",
    }


def test_how_many_plain_steps_a_round_saves_is_seen_in_the_end():
    panel = timeline_panel(timeline_info(ROUND, plain_step=0.05), steps(ROUND))
    plain = panel["figure"]["data"][1]
    for patch in panel["steps"][:-1]:
        apply(panel["figure"], patch)
        assert plain["marker"]["opacity"] == [0, 1]  # the first stands last
        assert plain["text"][-1] == "plain: 50 ms a pass"
    apply(panel["figure"], panel["steps"][-1])
    assert plain["marker"]["opacity"] == [1, 1]
    assert plain["text"][-1] == "plain: 2 passes of 50 ms"


def lit(this):
    """Per step: how bright the bars are, and the words in them."""
    panel = timeline_panel(timeline_info(this), steps(this))
    bars, seen = panel["figure"]["data"][0], [("", (0.3,) * 4, ())]
    for step, patch in zip(steps(this), panel["steps"], strict=True):
        apply(panel["figure"], patch)
        seen.append((step.phase, tuple(bars["marker"]["opacity"]), tuple(bars.get("text", ()))))
    return seen


def test_a_word_stands_in_a_lit_bar_only_for_on_a_dimmed_one_it_cannot_be_read():
    seen = lit(ROUND)
    assert all(opacity[: len(words)] == (1,) * len(words) for _, opacity, words in seen)
    told = {phase: words for phase, _, words in seen}
    assert told["draft"] == ("draft 10",) and told["emit"] == ("draft 10", "verify 30")


def test_what_a_round_passes_by_without_a_step_is_lit_when_it_commits():
    seen = {phase: opacity for phase, opacity, _ in lit(make_round(0))}
    assert list(seen) == ["", "verify", "commit", "emit"]
    assert seen["verify"] == (1, 1, 0.3, 0.3) and seen["commit"] == seen["emit"] == (1, 1, 1, 1)


@pytest.mark.parametrize("verdict", ["recovered", "rejected", "bonus", "sampled"])
def test_no_phase_has_the_hue_of_a_verdict_that_it_does_not_mean(verdict):
    assert verdict not in theme.PHASES.values()
    entries = {entry["label"]: entry["role"] for entry in theme.phases()}
    assert entries == theme.PHASES
