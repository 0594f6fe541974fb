from dataclasses import replace

import pytest

from engine.stats import Ratio, Tally
from tests.viz.runs import COUNTS, run, words
from viz.calibration import plot_calibration


def of_the_rest(nodes, node):
    """The draft's probability of ``node`` among what its refused elders leave."""
    siblings = [i for i, parent in enumerate(nodes.parent) if parent == nodes.parent[node]]
    elders = sum(nodes.draft_prob[i] for i in siblings if nodes.rank[i] < nodes.rank[node])
    return min(1.0, nodes.draft_prob[node] / (1 - elders))


@pytest.mark.parametrize("count", COUNTS.values(), ids=COUNTS)
def test_dots_are_the_tested_nodes_by_their_draft_probability(count):
    trace = run(count)
    data = plot_calibration(trace).data
    if not count:
        assert "no tested node" in words(plot_calibration(trace))
        return
    dots = data[1]
    assert dots.mode == "markers"  # a line between tenths of one node would only zigzag
    whiskers = zip(dots.error_y.arrayminus, dots.error_y.array, strict=True)
    for x, y, hover, (below, above) in zip(dots.x, dots.y, dots.hovertext, whiskers, strict=True):
        low = min(int(x * 10), 9) / 10
        nodes = [
            this.nodes.verdict[node] == "accepted"
            for this in trace.rounds
            for node in this.nodes.tested
            if low < of_the_rest(this.nodes, node) <= low + 0.1
        ]
        assert y == pytest.approx(sum(nodes) / len(nodes), abs=1e-4)
        interval = Ratio(sum(nodes), len(nodes)).interval
        assert (y - below, y + above) == pytest.approx(interval, abs=3e-4)
        plural = "" if len(nodes) == 1 else "s"
        assert f"{sum(nodes)} accepted of {len(nodes)} tested node{plural}" in hover


def test_the_counts_add_up_to_all_tested_nodes():
    trace = run(200)
    tested = sum(Tally.of(trace.rounds).tested)
    dots = plot_calibration(trace).data[1]
    assert sum(int(h.split(" accepted of ")[1].split()[0]) for h in dots.hovertext) == tested


@pytest.mark.parametrize(("is_taken", "line"), [(True, [0, 1]), (False, [1, 1])])
def test_who_knows_the_target_is_accepted_by_p_where_taken_and_always_where_drawn(is_taken, line):
    trace = run(1)
    header = replace(trace.header, has_point_mass=is_taken)
    drawn = plot_calibration(replace(trace, header=header)).data[0]
    assert (list(drawn.x), list(drawn.y)) == ([0, 1], line)
