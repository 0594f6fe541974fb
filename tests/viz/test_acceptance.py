import pytest

from engine.breakdown import Breakdown
from engine.stats import Ratio, Tally
from tests.viz.records import make_round
from tests.viz.runs import COUNTS, of, run, words
from viz.acceptance import DEPTHS, acceptance_info, acceptance_panel, plot_acceptance


@pytest.mark.parametrize("count", COUNTS.values(), ids=COUNTS)
def test_bars_are_accepted_of_tested(count):
    trace = run(count)
    drawn = plot_acceptance(trace).data
    bars, counts = drawn[: len(drawn) // 2], drawn[len(drawn) // 2 :]
    tested = [0] * 9
    for bar, label in zip(bars, counts, strict=True):
        assert label.x == bar.x
        for depth, (text, height) in enumerate(zip(label.text, bar.y, strict=True), start=1):
            if text:
                part, whole = map(int, text.split("/"))
                assert height == pytest.approx(part / whole, abs=1e-4)
                low = height - bar.error_y.arrayminus[depth - 1]
                high = height + bar.error_y.array[depth - 1]
                assert (low, high) == pytest.approx(Ratio(part, whole).interval, abs=3e-4)
                assert label.y[depth - 1] == pytest.approx(high, abs=3e-4)  # not across a whisker
                assert f"{part} accepted of {whole} tested" in bar.hovertext[depth - 1]
                tested[depth] += whole
    assert tested[1 : 1 + len(Tally.of(trace.rounds).tested)] == Tally.of(trace.rounds).tested
    if not count:
        assert "nothing was drafted" in words(plot_acceptance(trace))


def test_a_chain_has_one_bar_a_depth_and_a_tree_one_a_rank():
    straight = make_round(1, chance=1.0)
    assert [bar.name for bar in plot_acceptance(of([straight])).data] == ["all", "counts"]
    names = [bar.name for bar in plot_acceptance(run(200)).data][:3]
    assert names == ["first child", "second child", "later children"]


def test_the_last_bar_holds_all_later_siblings():
    found = Breakdown()
    found.tested.update({(1, 0): 10, (1, 1): 6, (1, 2): 4, (1, 3): 3})
    found.accepted.update({(1, 0): 4, (1, 1): 2, (1, 2): 1, (1, 3): 1})
    assert acceptance_info(found).by_rank == [[(4, 10)], [(2, 6)], [(2, 7)]]


def test_a_deep_chain_says_how_much_of_it_is_drawn():
    found = Breakdown()
    for depth in range(1, 41):
        found.tested[depth, 0] = found.accepted[depth, 0] = 1
    panel = acceptance_panel(acceptance_info(found))
    assert f"first {DEPTHS} of 40 depths" in panel["title"]
    assert len(panel["figure"]["data"][0]["x"]) == DEPTHS
