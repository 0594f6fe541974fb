import pytest

from engine.stats import Tally
from tests.viz.runs import COUNTS, run, words
from viz.calibration import plot_calibration


@pytest.mark.parametrize("count", COUNTS.values(), ids=COUNTS)
def test_dots_are_the_tested_nodes_by_their_draft_probability(count):
    trace = run(count)
    data = plot_calibration(trace).data
    if not count:
        assert "no tested node" in words(plot_calibration(trace))
        return
    dots = data[1]
    assert dots.mode == "markers"  # a line between tenths of one node would only zigzag
    for x, y, hover in zip(dots.x, dots.y, dots.hovertext, strict=True):
        low = min(int(x * 10), 9) / 10
        nodes = [
            this.nodes.verdict[node] == "accepted"
            for this in trace.rounds
            for node, q in enumerate(this.nodes.draft_prob)
            if this.nodes.verdict[node] in ("accepted", "rejected") and low < q <= low + 0.1
        ]
        assert y == pytest.approx(sum(nodes) / len(nodes), abs=1e-4)
        plural = "" if len(nodes) == 1 else "s"
        assert f"{sum(nodes)} accepted of {len(nodes)} tested node{plural}" in hover


def test_the_counts_add_up_to_all_tested_nodes():
    trace = run(200)
    tested = sum(Tally.of(trace.rounds).tested)
    dots = plot_calibration(trace).data[1]
    assert sum(int(h.split(" accepted of ")[1].split()[0]) for h in dots.hovertext) == tested


def test_the_line_of_those_who_know_runs_from_corner_to_corner():
    line = plot_calibration(run(1)).data[0]
    assert (list(line.x), list(line.y)) == ([0, 1], [0, 1])
