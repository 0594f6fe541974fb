"""Drafting on the device: which methods do, what their caches hold, rounds that draft nothing."""

import pytest

from engine.config import DecodeConfig
from engine.device.drafters.draft import DeviceDraft
from engine.device.drafters.features import DeviceEagle
from engine.device.drafters.growing import DeviceEagle2
from engine.device.drafters.guessing import Guesser
from engine.device.drafters.prefix import PrefixGuesser
from engine.device.drafters.waiting import Waiting
from engine.planning.planner import Planner
from engine.tree import chain
from tests.engine.device.test_round import static_run
from tests.engine.device.test_run import CHAIN, HEADS, PROMPT, bundle_for
from tests.engine.heads import test_features_audit, test_prefix_audit
from tests.engine.loops import assert_same, both
from tests.engine.test_audit import BUSHY
from tests.fakes import METHODS

DRAWN = {"temperature": 1.0, "drafting": "sampled"}
KINDS = {
    "draft": DeviceDraft,
    "draft_tree": DeviceDraft,
    "medusa": Guesser,
    "hydra": Guesser,
    "hydra++": PrefixGuesser,
    "eagle": DeviceEagle,
    "eagle2": DeviceEagle,
    "eagle3": DeviceEagle,
}


@pytest.mark.parametrize("method", (*METHODS, *HEADS))
def test_trees_of_a_given_size_are_drafted_on_the_device(method):
    for tree, options in (
        (CHAIN, {}),
        (CHAIN, DRAWN),
        (BUSHY, {}),
        (BUSHY, DRAWN),
        (6, {}),
        (6, DRAWN),
    ):
        run = static_run(bundle_for(method), DecodeConfig(method, 8, tree=tree, **options))
        is_grown = method in ("eagle2", "eagle3") and tree == 6 and not options
        expected = DeviceEagle2 if is_grown else KINDS.get(method)
        found = type(run._drafter)
        found = found if found in (DeviceEagle2, *KINDS.values()) else None
        assert found is expected, (tree, options)


def seldom(monkeypatch, every):
    """Let plans be empty but for one round in ``every``."""
    right = Planner.shape

    def shape(self, max_depth):
        self.turn = getattr(self, "turn", 0) + 1
        return right(self, max_depth) if self.turn % every == 0 else chain(0)

    monkeypatch.setattr(Planner, "shape", shape)


@pytest.mark.parametrize(
    "method", ["draft", "draft_tree", "medusa", "hydra", "hydra++", "eagle", "eagle3"]
)
@pytest.mark.parametrize("options", [{}, DRAWN], ids=["greedy", "sampled"])
@pytest.mark.parametrize(("room", "behind"), [(512, 32), (20, 2)], ids=["room", "none"])
def test_drafters_catch_up_after_rounds_that_drafted_nothing(
    method, options, room, behind, monkeypatch
):
    seldom(monkeypatch, every=5)
    for home in ("draft", "waiting"):
        monkeypatch.setattr(f"engine.device.drafters.{home}.MOST_BEHIND", behind)
    monkeypatch.setattr("engine.device.drafters.waiting.ROOM", room)
    monkeypatch.setattr("engine.context.MAX_ROWS", 2)
    config = DecodeConfig(method, 44, tree=CHAIN, num_draft=3, seed=1, **options)
    ordinary, static, _ = both(bundle_for(method), PROMPT, config)
    assert_same(ordinary, static)
    assert {1, 4} <= {len(this.nodes) for this in static}


@pytest.mark.parametrize("method", ["eagle", "eagle3"])
@pytest.mark.parametrize("options", [{"tree": BUSHY}, {"tree": CHAIN, **DRAWN}])
def test_the_heads_slots_equal_a_fresh_pass_after_every_round(method, options):
    bundle = bundle_for(method)
    run = static_run(bundle, DecodeConfig(method, 24, seed=3, **options))
    assert type(run._drafter) is DeviceEagle
    address, slots = run._drafter.buffers.cache.slots.data_ptr(), 3
    for this in run:
        test_features_audit.assert_holds(run, bundle)
        for step in this.caches[1:]:
            assert (step.before, step.after) == (slots, this.start - 1)
            slots = step.after
        assert run._drafter.buffers.cache.slots.data_ptr() == address


@pytest.mark.parametrize("options", [{"tree": BUSHY}, {"tree": CHAIN, **DRAWN}])
def test_the_prefix_layers_slots_equal_a_fresh_pass_after_every_round(options):
    bundle = bundle_for("hydra++")
    run = static_run(bundle, DecodeConfig("hydra++", 24, seed=3, **options))
    assert type(run._drafter) is PrefixGuesser
    address, slots = run._drafter.buffers.cache.slots.data_ptr(), 4
    for this in run:
        test_prefix_audit.assert_holds(run, bundle)
        for step in this.caches[1:]:
            assert step.name == "hydra++" and (step.before, step.after) == (slots, this.start - 1)
            slots = step.after
        assert run._drafter.buffers.cache.slots.data_ptr() == address
    assert slots > 4


def test_the_audit_sees_states_of_another_path(monkeypatch):
    """The control: the layer has to read the states along the accepted path, no others."""
    bundle = bundle_for("hydra++")
    right = Waiting.follow
    monkeypatch.setattr(Waiting, "follow", lambda self, path: right(self, path * 0))
    run = static_run(bundle, DecodeConfig("hydra++", 30, tree=BUSHY, seed=3))
    with pytest.raises(AssertionError):
        for _ in run:
            test_prefix_audit.assert_holds(run, bundle)
