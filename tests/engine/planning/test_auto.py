"""``tree="auto"``: whole runs on a machine whose costs are given."""

from dataclasses import replace

import pytest

from engine.config import DecodeConfig
from engine.context import Context
from engine.cost import SIZES, PassCost, calibrate, cost_of, known_cost_of
from engine.decoding import Run
from engine.draft_vocab import DraftVocab
from engine.drafters.children import Children
from engine.drafters.draft import Draft
from engine.planning.planner import Planner
from tests.fakes import Scripted
from tests.tables import TableModel, table_bundle

MILD = PassCost((1, 2, 4, 8, 16), (1.0, 1.1, 1.2, 1.5, 2.0))
STEEP = PassCost((1, 2, 4, 8, 16), (1.0, 2.0, 4.0, 8.0, 16.0))
CHEAP = PassCost((1, 16), (0.05, 0.1))
VOCAB, LENGTH = 20, 300
AUTO = DecodeConfig(max_new_tokens=LENGTH, tree="auto")


class Planned(Scripted):
    """A drafter that costs nothing and drafts what its planner leaves of its script."""

    def __init__(self, text, right, cost):
        super().__init__(text, VOCAB, 2, right)
        self.planner = Planner(AUTO, cost)

    def propose(self, history, max_depth):
        proposal = super().propose(history, max_depth)
        sure = (None, *(1.0,) * proposal.num_drafted)
        return self.planner.prune(replace(proposal, confidence=sure))

    def build(self, order):
        return self.planner, self


def drafted(right: int, cost: PassCost) -> list[int]:
    """Drafted nodes round by round, the text being the target's."""
    bundle = table_bundle(VOCAB, 3, context=512)
    text = bundle.target.greedy([1, 2], LENGTH)
    run = Run(bundle, [1, 2], AUTO, Planned(text, right, cost).build)
    nodes = [this.nodes.num_drafted for this in run]
    assert run.generated == text
    return nodes


def test_a_drafter_that_is_never_right_is_left_alone_and_asked_again_later():
    nodes = drafted(0, MILD)
    assert nodes[0] > 0
    idle = nodes.index(0)
    assert idle < 30
    assert any(nodes[idle:])
    assert sum(map(bool, nodes)) < 0.15 * len(nodes)


def test_a_drafter_that_is_always_right_drafts_all_it_has():
    nodes = drafted(99, MILD)
    assert nodes[len(nodes) // 2] == 8
    assert len(nodes) < LENGTH / 6


def test_nothing_is_drafted_where_a_pass_costs_what_its_nodes_do():
    assert sum(drafted(99, STEEP)) == 0


@pytest.mark.parametrize("noise", [0.0, 1.0, 50.0])
def test_a_draft_model_is_run_as_far_as_it_pays(noise):
    bundle = table_bundle(VOCAB, 5, noise=noise, context=512)

    def build(order):
        planner = Planner(order.config, MILD, CHEAP, max_rank=3)
        context = Context(bundle.draft, order.capacity, "draft")
        children = Children(DraftVocab(VOCAB), order.sampler, order.rng)
        return planner, Draft(context, planner, children)

    run = Run(bundle, [4], AUTO, build)
    rounds = list(run)
    assert run.generated == bundle.target.greedy([4], LENGTH)
    mean = LENGTH / len(rounds)
    drafting = sum(this.nodes.num_drafted > 0 for this in rounds) / len(rounds)
    if noise == 0:
        assert mean > 4 and drafting > 0.9
    elif noise == 50:
        assert drafting < 0.3
    else:
        assert mean > 1.3


def test_a_calibration_covers_all_sizes_and_never_falls():
    cost = calibrate(TableModel(VOCAB, context=256))
    assert cost.nodes == SIZES
    assert cost.seconds[0] > 0 and list(cost.seconds) == sorted(cost.seconds)


def test_a_model_is_calibrated_once_and_not_by_asking_what_is_known():
    model = TableModel(VOCAB, context=256)
    assert known_cost_of(model) is None
    cost = cost_of(model)
    assert cost_of(model) is cost is known_cost_of(model)
    bundle = table_bundle(VOCAB)
    bundle.target = model
    header = Run(bundle, [1], DecodeConfig()).header
    assert tuple(header.pass_seconds) == SIZES
