"""The panels of the end message: valid figures in roles, cheap to work out, small to send."""

import json
from dataclasses import replace

import plotly.graph_objects as go
import pytest

from engine import schema
from engine.records import Emitted, Seconds
from engine.roofline import Roofline
from engine.run_facts import Header, Yardstick
from engine.trace import Trace
from tests.viz.records import make_round
from tests.viz.runs import COUNTS, ROOF, of, run
from tests.viz.test_stage import colour_free
from viz import scale
from viz.figure import TEMPLATE, resolve
from viz.numbers import NAMES, Numbers


@pytest.mark.parametrize("count", COUNTS.values(), ids=COUNTS)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_panel_is_a_valid_figure_in_both_themes(count, theme):
    panels = Numbers.of(run(count))
    assert tuple(panels) == NAMES
    for panel in panels.values():
        drawn = resolve(json.loads(json.dumps(panel["figure"], allow_nan=False)), theme)
        drawn["layout"]["template"] = resolve(TEMPLATE, theme)
        go.Figure(drawn)
        assert '"@' not in json.dumps(drawn)
        assert not [text for text in colour_free(panel["figure"]) if text.startswith("@")]


def test_two_hundred_rounds_are_some_tens_of_kilobytes():
    assert len(json.dumps(Numbers.of(run(200, drafted=64)))) < 100_000


def test_nothing_is_measured_where_nothing_was():
    panels = Numbers.of(run(5, plain=False, pass_seconds={}, roofline=None))
    for name in ("cost", "speed_up", "bandwidth"):
        assert panels[name]["figure"]["data"] == []
        assert panels[name]["figure"]["layout"]["annotations"]


def test_a_header_with_a_roofline_is_read_as_it_was_written():
    header = run(0).header
    assert schema.read(Header, json.loads(json.dumps(schema.plain(header)))) == header
    assert header.roofline == ROOF
    without = schema.plain(header)
    del without["roofline"]
    assert schema.read(Header, without).roofline is None


def test_round_numbers_mark_an_axis():
    assert scale.ticks(7) == [0, 2, 4, 6]
    assert scale.ticks(1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert scale.ticks(0) == [0]
    assert scale.ticks(130) == [0, 50, 100]
    assert scale.decades(30, 1000) == [100, 1000]


def test_numbers_are_said_in_three_digits():
    said = [scale.short(v) for v in (0, 0.0271, 1, 999.6, 1500, 269e6, 2.17e9, 90e9)]
    assert said == ["0", "0.0271", "1", "1000", "1.5 k", "269 M", "2.17 G", "90 G"]


LIES = (1e-320, 1e-9, 1e9, 1.7e308)


def lying_runs():
    """Runs as no machine made them, which a file may hold all the same."""
    this, trace = make_round(10), run(3)
    for value in LIES:
        yield run(3, pass_seconds={1: value, 4: value})
        yield run(3, pass_seconds={1: 1e-3, 2**53 - 1: value})
        yield of([replace(this, seconds=Seconds(*[value] * 4))] * 2)
        for seconds in (value, -value):
            plain = Yardstick(3, seconds, 3)
            yield Trace(trace.header, trace.rounds, replace(trace.end, plain=plain))
            yield Trace(trace.header, trace.rounds, replace(trace.end, seconds=seconds))
    for probability in (0.0, 1.0, None):
        nodes = replace(this.nodes, draft_prob=(None, *[probability] * 10))
        yield of([replace(this, nodes=nodes)])
    for rank in (0, 1023):
        yield of([replace(this, nodes=replace(this.nodes, rank=(0, *[rank] * 10)))])
    yield from (of([replace(this, start=start)]) for start in (0, 2**53 - 1))
    yield from (run(2, slot_bytes={"target": size}) for size in (-5, 2**53 - 1))
    yield run(2, slot_bytes={}, roofline=Roofline(1e3, 1e20, 10**15, 1))
    yield run(2, roofline=Roofline(1e20, 1e3, 1, 10**15))
    yield of([replace(make_round(0), emitted=Emitted((), (), ()))])
    yield of([make_round(1000, 3, depth=9)])


def test_a_file_that_lies_is_drawn_all_the_same():
    for trace in lying_runs():
        panels = Numbers.of(trace)
        said = json.loads(json.dumps(panels, allow_nan=False))
        assert tuple(said) == NAMES
        assert len(json.dumps(panels)) < 100_000
