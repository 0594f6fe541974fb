import pytest

from tests.viz.runs import COST, COUNTS, run, words
from viz.cost import NOT_MEASURED, plot_cost


@pytest.mark.parametrize("count", COUNTS.values(), ids=COUNTS)
def test_the_line_is_the_headers_table_and_the_dot_the_runs_passes(count):
    trace = run(count)
    calibrated, *met = plot_cost(trace).data
    assert list(calibrated.x) == list(COST)
    assert list(calibrated.y) == pytest.approx([1000 * s for s in COST.values()])
    assert "a pass of 1 node takes 15.0 ms" in calibrated.hovertext[0]
    assert "2.87 times one node's 15.0 ms" in calibrated.hovertext[4]
    assert bool(met) == bool(count)
    for dot in met:
        assert list(dot.x) == [11]
        seconds = sum(this.seconds.verify for this in trace.rounds)
        assert dot.y[0] == pytest.approx(1000 * seconds / count, abs=1e-3)
        assert f"in {count} pass" in dot.hovertext[0]


@pytest.mark.parametrize("table", [{}, {1: 0.0}])
def test_a_trace_without_the_table_says_so(table):
    figure = plot_cost(run(3, pass_seconds=table))
    assert not figure.data and NOT_MEASURED in words(figure)
