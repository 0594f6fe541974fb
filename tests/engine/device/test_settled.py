"""``tree="auto"`` of dynamic trees on the device: size and depth are settled before the round."""

import pytest

from engine.config import DecodeConfig
from engine.device.drafters.growing import DeviceEagle2
from engine.device.drafters.plan import fitted
from engine.pass_cost import PassCost
from engine.planning.budget import Budget
from engine.planning.level_planner import LevelPlanner
from engine.tree import depths
from tests.engine.device.test_growing import DYNAMIC
from tests.engine.device.test_round import static_run, taped
from tests.engine.device.test_run import bundle_for
from tests.engine.host_reads import host_reads

FLAT = PassCost((1, 64), (1.0, 1.1))  # as on a card, where a tree costs one step
STEEP = PassCost((1, 64), (1.0, 64.0))
CHEAP, DEAR, WIDE = (PassCost((1, 10), cost) for cost in ((0.02, 0.02), (2.0, 2.0), (0.02, 0.2)))


@pytest.fixture
def costs(monkeypatch):
    """Lets a test say what passes of the target and levels of the head take."""

    def say(target, draft=CHEAP):
        monkeypatch.setattr("engine.drafters.costs.cost_of", lambda _: target)
        monkeypatch.setattr("engine.drafters.costs.step_cost_of", lambda _: draft)

    return say


def auto(method="eagle3", **settings):
    return DecodeConfig(method, 60, tree="auto", seed=6, **settings)


@pytest.mark.parametrize("method", DYNAMIC)
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_what_pays_is_settled_before_the_round_and_drafted_on_the_device(
    method, temperature, costs, monkeypatch
):
    costs(FLAT)
    planned, shape = [], LevelPlanner.shape

    def heard(self, max_depth):
        planned.append(shape(self, max_depth))
        return planned[-1]

    monkeypatch.setattr(LevelPlanner, "shape", heard)
    run = static_run(bundle_for(method), auto(method, temperature=temperature))
    assert isinstance(run._drafter, DeviceEagle2)
    graphs, rounds = taped(run), list(run)
    assert len(planned) == len(rounds)
    for plan, this in zip(planned, rounds, strict=True):
        nodes = this.nodes
        assert nodes.num_drafted in (0, fitted(len(plan)))
        assert max(depths(nodes.parent)) <= max(plan.depth)
    assert max(this.nodes.num_drafted for this in rounds) >= 3
    assert all(each.trouble is None for each in graphs)


def test_settled_trees_leave_the_text_the_targets_own(costs):
    costs(FLAT)
    for method in DYNAMIC:
        bundle = bundle_for(method)
        drafted, plain = (
            static_run(bundle, config) for config in (auto(method), DecodeConfig("plain", 60))
        )
        assert max(this.nodes.num_drafted for this in drafted) >= 3
        list(plain)
        assert drafted.generated == plain.generated


def test_where_drafting_does_not_pay_little_is_drafted_on_the_device(costs):
    def drafted(target, draft):
        costs(target, draft)
        run = static_run(bundle_for("eagle3"), auto())
        return sum(this.nodes.num_drafted > 0 for this in run) / run.end.rounds

    assert drafted(STEEP, CHEAP) < 0.2 < 0.5 < drafted(FLAT, CHEAP)
    assert drafted(FLAT, DEAR) < 0.2


def test_what_was_read_for_a_settled_tree_is_paid_for(costs):
    """The control: a planner that is not told takes levels for cheaper than they were."""
    costs(FLAT, WIDE)
    bundle = bundle_for("eagle3")
    run = static_run(bundle, auto())
    budgets = []
    for note in (Budget.note_read, lambda *_: None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Budget, "note_read", note)
            run = static_run(bundle, auto())
            while not next(run).nodes.num_drafted:
                pass
            budgets.append(run._planner.budget.left)
    assert budgets[0] < budgets[1]


@pytest.mark.parametrize("method", DYNAMIC)
def test_a_round_with_a_settled_tree_waits_for_the_device_once(method, costs):
    costs(FLAT)
    run = static_run(bundle_for(method), auto(method))
    next(run)
    drafted = 0
    for _ in range(6):
        with host_reads() as found:
            drafted += next(run).nodes.num_drafted
        assert found == ["numpy"]
    assert drafted


def test_plans_fill_the_captured_sizes():
    assert [fitted(nodes) for nodes in (1, 2, 3, 4, 7, 8, 65)] == [0, 1, 1, 3, 3, 7, 63]
