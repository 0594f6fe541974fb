"""When slots are written: while drafting, level by level, or in the pass that verifies."""

from dataclasses import replace

import pytest

from engine.records import CacheStep, Emitted, Nodes, Round, Seconds
from tests.viz.records import make_header
from viz import theme
from viz.caches import caches_info, caches_panel
from viz.figure import apply
from viz.phases import steps
from viz.writing import slots_by_level

# 0 -> 1, 2; 1 -> 3, 4; 3 -> 5: nodes 1 and 3 have children, levels of 2, 2 and 1
TREE = Round(
    index=3,
    start=20,
    nodes=Nodes(
        token=tuple(range(6)),
        parent=(-1, 0, 0, 1, 1, 3),
        rank=(0, 0, 1, 0, 1, 0),
        draft_prob=(None,) + (0.5,) * 5,
        target_prob=(None,) + (0.5,) * 5,
        uniform=(None, 0.1, None, 0.9, 0.9, None),
        verdict=("root", "accepted", "untested", "rejected", "rejected", "untested"),
    ),
    emitted=Emitted((1, 9), ("accepted", "recovered"), ("a", "b")),
    laws=(),
    caches=(CacheStep("target", 19, 6, (19, 20)),),
    seconds=Seconds(0.01, 0.03, 0.0, 0.002),
)
PLAIN = replace(
    TREE,
    nodes=Nodes((0,), (-1,), (0,), (None,), (None,), (None,), ("root",)),
    emitted=Emitted((9,), ("sampled",), ("b",)),
)
CASES = {  # what a method's cache did: its record, and the slots of every drafted level
    "the target reads the tree in one pass": (CacheStep("target", 19, 6, (19, 20)), ()),
    "a draft model reads all levels but the last": (
        CacheStep("draft", 19, 5, (19, 20)),
        (1, 2, 2),
    ),
    "a draft model catches up first": (CacheStep("draft", 17, 7, (17, 18, 19, 20)), (3, 2, 2)),
    "EAGLE reads the nodes that get children": (CacheStep("eagle", 16, 5, (16, 17, 18)), (3, 1, 1)),
    "EAGLE-2 reads nodes that are not kept": (CacheStep("eagle", 18, 9, (18,)), (1, 1, 7)),
    "Hydra++ reads committed states alone": (CacheStep("hydra++", 17, 2, (17, 18)), (2, 0, 0)),
    "a record that cannot be is drawn as far as it goes": (CacheStep("draft", 3, 2, ()), (2, 0, 0)),
}


@pytest.mark.parametrize("name", CASES)
def test_slots_are_written_where_the_method_writes_them(name):
    cache, levels = CASES[name]
    assert slots_by_level(TREE, cache) == levels


def shown(cache, this=TREE):
    """Slots of a cache that are seen as written after every step, and the titles."""
    order = steps(this)
    panel = caches_panel(caches_info(make_header(), replace(this, caches=(cache,))), order)
    written = next(trace for trace in panel["figure"]["data"] if trace.get("name") == "written")
    counts = []
    for patch in panel["steps"]:
        apply(panel["figure"], patch)
        slots = written["marker"].get("opacity", [1] * cache.written)
        counts.append(sum(slots) if written["opacity"] else 0)
    return [step.phase for step in order], counts, panel["titles"]


@pytest.mark.parametrize("name", CASES)
def test_a_heads_slots_are_there_before_the_pass_and_the_targets_after_it(name):
    cache, levels = CASES[name]
    phases, counts, _ = shown(cache)
    verify = phases.index("verify")
    drafted = [sum(levels[:k]) for k in range(1, 4)] if levels else [0, 0, 0]
    assert counts[:verify] == drafted
    assert set(counts[verify:]) == {cache.written}


def test_a_round_without_a_draft_writes_in_its_pass():
    assert shown(CacheStep("target", 19, 1, (19,)), PLAIN)[1] == [1, 1, 1]


def test_the_title_tells_what_has_happened_and_nothing_that_is_to_come():
    phases, _, titles = shown(CASES["EAGLE reads the nodes that get children"][0])
    told = dict(zip(phases, titles, strict=True))  # of every phase its last step
    assert titles[0] == "eagle 16 → 19 written"
    assert told["draft"] == told["verify"] == told["judge"] == "eagle 16 → 21 written"
    assert told["commit"] == told["emit"] == "eagle 16 → 21 written → 19 kept"
    assert shown(CASES["the target reads the tree in one pass"][0])[2][0] == "target 19"


def test_a_missing_slot_is_hatched_and_the_legend_knows_every_state():
    behind = CacheStep("draft", 19, 5, (19,))
    panel = caches_panel(
        caches_info(make_header(), replace(TREE, caches=(*TREE.caches, behind))), steps(TREE)
    )
    missing = [trace for trace in panel["figure"]["data"] if trace.get("name") == "missing"]
    assert [trace["marker"]["pattern"]["shape"] for trace in missing] == ["/"]
    names = {trace["name"] for trace in panel["figure"]["data"] if "name" in trace}
    assert names | {"freed"} == {entry["label"] for entry in theme.slots()}
    assert next(e for e in theme.slots() if e["label"] == "missing")["symbol"] == "square hatched"
