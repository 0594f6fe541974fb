from dataclasses import replace

import pytest

from engine.breakdown import Breakdown
from engine.records import Seconds
from engine.stats import Tally
from tests.viz.runs import COUNTS, ROOF, of, run, words
from viz.bandwidth import MAX_ROUNDS, NOT_MEASURED, bandwidth_info, plot_bandwidth

SLOT = 46080


@pytest.mark.parametrize("count", COUNTS.values(), ids=COUNTS)
def test_dots_are_bytes_and_operations_over_seconds(count):
    trace = run(count)
    figure = plot_bandwidth(trace)
    if not count:
        assert "no round yet" in words(figure)
        return
    data = {each.name: each for each in figure.data}
    passes, tokens = len(trace.rounds), len(trace.token_ids)
    moved = passes * ROOF.weight_bytes + SLOT * sum(this.start + 10 for this in trace.rounds)
    operations = 2 * ROOF.parameters * 11 * passes
    ours = data["this run"]
    assert ours.x[0] == pytest.approx(operations / moved, rel=1e-4)
    seconds = sum(this.seconds.verify for this in trace.rounds)
    assert ours.y[0] == pytest.approx(operations / seconds, rel=1e-4)
    first = trace.rounds[0].start
    moved = tokens * ROOF.weight_bytes + SLOT * sum(first + i for i in range(tokens))
    operations = 2 * ROOF.parameters * tokens
    plain = data["plain"]
    assert plain.x[0] == pytest.approx(operations / moved, rel=1e-4)
    assert plain.y[0] == pytest.approx(operations / trace.end.plain.seconds, rel=1e-4)
    assert f"for {tokens} token" in ours.hovertext[0]
    assert "in whole rounds of plain decoding, same prompt" in plain.hovertext[0]


def test_plain_decodings_passes_stand_beside_those_of_the_run_where_they_are_known():
    trace = run(7)
    known = replace(trace.end.plain, verify_seconds=0.8 * trace.end.plain.seconds)
    told = replace(trace, end=replace(trace.end, plain=known))
    figures = [plot_bandwidth(each) for each in (trace, told)]
    rounds, passes = ({each.name: each for each in found.data}["plain"] for found in figures)
    assert passes.y[0] == pytest.approx(rounds.y[0] / 0.8, rel=1e-3)
    assert "in the passes of plain decoding, same prompt" in passes.hovertext[0]


def test_every_round_stands_where_its_own_pass_stood():
    trace = run(7)
    cloud = next(each for each in plot_bandwidth(trace).data if each.name == "its rounds")
    assert [told[:2] for told in cloud.customdata] == [[i + 1, 11] for i in range(7)]
    for x, y, this in zip(cloud.x, cloud.y, trace.rounds, strict=True):
        moved = ROOF.weight_bytes + SLOT * (this.start + 10)
        operations = 2 * ROOF.parameters * 11
        assert x == pytest.approx(operations / moved, rel=1e-4)
        assert y == pytest.approx(operations / this.seconds.verify, rel=1e-4)
    share = 100 * cloud.y[0] / ROOF.ceiling(cloud.x[0])
    assert cloud.customdata[0][2:] == [46.0, round(share)]


def test_one_round_is_shown_against_plain_as_the_run_is():
    trace = run(7)
    cloud = next(each for each in plot_bandwidth(trace).data if each.name == "its rounds")
    data = {each.name: each for each in plot_bandwidth(trace, index=4).data}
    assert data.keys() == {"roofline", "this round", "plain"}
    assert (data["this round"].x[0], data["this round"].y[0]) == (cloud.x[4], cloud.y[4])
    assert f"for {len(trace.rounds[4].emitted)} token" in data["plain"].hovertext[0]


def test_of_many_rounds_some_are_drawn_and_of_none_nothing():
    clouds = [bandwidth_info_of(count).passes for count in (1, MAX_ROUNDS, 2 * MAX_ROUNDS + 1)]
    assert [len(cloud) for cloud in clouds] == [1, MAX_ROUNDS, (2 * MAX_ROUNDS + 1) // 3 + 1]
    still = of([replace(this, seconds=Seconds(0.1, 0.0, 0.0, 0.0)) for this in run(3).rounds])
    assert not any(each.name == "its rounds" for each in plot_bandwidth(still).data)


def bandwidth_info_of(count):
    breakdown, this = Breakdown(), run(1).rounds[0]
    for _ in range(count):
        breakdown.add(this)
    return bandwidth_info(run(1).header, Tally.of([this] * count), breakdown, None)


def test_the_roof_is_as_it_was_measured():
    roof = next(each for each in plot_bandwidth(run(3)).data if each.name == "roofline")
    assert roof.x[1] == pytest.approx(ROOF.ridge)
    assert roof.y[1] == roof.y[2] == pytest.approx(ROOF.operations_per_second)
    assert roof.y[0] / roof.x[0] == pytest.approx(ROOF.bytes_per_second, rel=1e-3)
    assert "20 GB/s, 90 G operations/s" in roof.hovertext[0]


def test_a_trace_without_ceilings_says_so():
    figure = plot_bandwidth(run(3, roofline=None))
    assert not figure.data and NOT_MEASURED in words(figure)


def test_plain_is_a_calibrated_pass_where_it_was_not_measured_and_absent_where_neither():
    data = {each.name: each for each in plot_bandwidth(run(3, plain=False)).data}
    assert "calibrated passes of one node" in data["plain"].hovertext[0]
    bare = plot_bandwidth(run(3, plain=False, pass_seconds={})).data
    assert [each.name for each in bare] == ["roofline", "its rounds", "this run"]
