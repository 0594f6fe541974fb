"""Siblings drawn on the device: the ordinary loop's, also where a law runs out of tokens."""

import pytest
import torch

from engine.attention.tree_attention import use_tree_attention
from engine.config import DecodeConfig
from engine.device.drafters.child_writer import ChildWriter
from engine.device.drafters.distinct import distinct_rows
from engine.device.drafters.draft import DeviceDraft
from engine.device.drafters.features import DeviceEagle
from engine.device.drafters.guessing import Guesser
from engine.device.tree_buffers import TreeBuffers
from engine.device.uniforms import Uniforms
from engine.sampling import draw_distinct
from tests.engine.device.test_drafters import seldom
from tests.engine.device.test_round import poisoned_run, static_run, taped
from tests.engine.device.test_run import PROCESSORS, PROMPT, bundle_for
from tests.engine.heads import test_features_audit, test_prefix_audit
from tests.engine.host_reads import host_reads
from tests.engine.loops import assert_same, both
from tests.engine.test_audit import BUSHY, assert_holds

DRAWN = {"temperature": 0.9, "drafting": "sampled", "num_draft": 4, "seed": 2}
CUTS = {"whole": {}, "nucleus": {"top_p": 0.6}, "two": {"top_k": 2}, "processors": PROCESSORS}
METHODS = ("draft_tree", "medusa", "hydra", "hydra++", "eagle", "eagle2", "eagle3")


def never_out_of_mass(laws, uniforms):
    tokens, found = distinct_rows(laws, uniforms)
    return tokens, torch.ones_like(found)


def settings_for(method, cut, tree=BUSHY, length=24):
    return DecodeConfig(method, length, tree=tree, **DRAWN, **CUTS[cut])


def test_rows_are_drawn_from_as_one_law_is():
    rng = torch.Generator().manual_seed(3)
    laws = torch.rand(60, 9, generator=rng).masked_fill(torch.rand(60, 9, generator=rng) < 0.7, 0)
    laws[:, 4] += 1e-3
    laws /= laws.sum(-1, keepdim=True)
    uniforms = torch.rand(60, 5, generator=rng, dtype=torch.float64)
    uniforms[:6], uniforms[6:12] = 0.0, 1.0 - 2**-53
    tokens, found = distinct_rows(laws, uniforms)
    expected = [draw_distinct(law, row.tolist()) for law, row in zip(laws, uniforms, strict=True)]
    assert [row[there].tolist() for row, there in zip(tokens, found, strict=True)] == expected
    assert {1, 5} <= {*map(len, expected)}
    assert tokens.min() >= 0 and tokens.max() < 9  # of those that are not there too


@pytest.mark.parametrize("left", [1e-3, 1e-9, 1e-13])
def test_what_a_law_has_left_beside_its_first_token_is_drawn_from_as_it_is(left):
    """However little it is, and however many rows are summed before it."""
    rng = torch.Generator().manual_seed(5)
    laws = torch.rand(64, 50, generator=rng, dtype=torch.float64) * left / 25
    laws[:, 7] = 1 - left
    uniforms = torch.rand(64, 3, generator=rng, dtype=torch.float64)
    uniforms[:, 0] = 0.5
    tokens, found = distinct_rows(laws, uniforms)
    expected = [draw_distinct(law, row.tolist()) for law, row in zip(laws, uniforms, strict=True)]
    assert tokens.tolist() == expected and found.all()


def test_a_law_that_is_no_number_takes_none_of_the_others_along():
    rng = torch.Generator().manual_seed(6)
    laws = torch.rand(5, 9, generator=rng)
    uniforms = torch.rand(5, 2, generator=rng, dtype=torch.float64)
    right, _ = distinct_rows(laws, uniforms)
    laws[2] = torch.nan
    tokens, found = distinct_rows(laws, uniforms)
    others = [0, 1, 3, 4]
    assert torch.equal(tokens[others], right[others])
    assert found.all(-1).tolist() == [True, True, False, True, True] and not found[2].any()


def test_all_rows_are_one_running_sum(monkeypatch):
    """Of rows side by side a card would sum each up in one block."""
    summed, cumsum = [], torch.Tensor.cumsum

    def heard(tensor, *more):
        summed.append(tensor.shape)
        return cumsum(tensor, *more)

    monkeypatch.setattr(torch.Tensor, "cumsum", heard)
    distinct_rows(torch.full((6, 20), 0.05), torch.full((6, 3), 0.5, dtype=torch.float64))
    assert summed == [(120,)] * 3


@pytest.mark.parametrize("used", [0, 3, 7])
def test_the_generator_is_left_where_the_ordinary_loop_leaves_it(used):
    one, two = (torch.Generator().manual_seed(5) for _ in range(2))
    expected = torch.rand(used + 4, generator=one, dtype=torch.float64).tolist()
    uniforms = Uniforms(TreeBuffers(16, torch.device("cpu")), two, 8, 7)
    assert uniforms.judged(used, 4) == expected[used:]
    assert torch.equal(one.get_state(), two.get_state())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("tree", [BUSHY, 12], ids=["bushy", "planned"])
def test_drawn_siblings_are_the_ordinary_loops(method, cut, tree):
    config = settings_for(method, cut, tree)
    ordinary, static, run = both(bundle_for(method), PROMPT, config)
    assert_same(ordinary, static)
    planned = tree if isinstance(tree, int) else len(tree)
    sizes = {this.nodes.num_drafted for this in static[:-4]}
    if cut == "whole":
        assert sizes == {planned}
    elif cut == "two":
        assert max(sizes) < planned  # the root has three children, or more


def test_drawn_siblings_in_single_precision_too():
    for method in ("draft_tree", "hydra", "eagle"):
        bundle = bundle_for(method)
        bundle.target.float()
        if method == "draft_tree":
            bundle.draft.float()
        else:
            bundle.heads[method].attached.head.float()
        ordinary, static, _ = both(bundle, PROMPT, settings_for(method, "nucleus"))
        assert_same(ordinary, static, near=2e-4)  # CPUs differ in how they add up a product


@pytest.mark.parametrize("method", ["draft_tree", "hydra++", "eagle"])
def test_drafters_catch_up_after_rounds_that_drew_nothing(method, monkeypatch):
    seldom(monkeypatch, every=3)
    config = settings_for(method, "nucleus", length=40)
    ordinary, static, _ = both(bundle_for(method), PROMPT, config)
    assert_same(ordinary, static)
    assert len({len(this.nodes) for this in static}) > 2


@pytest.mark.parametrize("method", ["draft_tree", "hydra++", "eagle"])
def test_slots_equal_a_fresh_pass_where_planned_nodes_are_not_there(method):
    bundle = bundle_for(method)
    run = static_run(bundle, settings_for(method, "nucleus", length=30))
    for _ in run:
        assert_holds(run._target, run.history)
        if method == "draft_tree":
            assert_holds(run._drafter.context, run.history)
        elif method == "eagle":
            test_features_audit.assert_holds(run, bundle)
        else:
            test_prefix_audit.assert_holds(run, bundle)


@pytest.mark.parametrize("method", METHODS)
def test_drawn_siblings_replayed_from_a_tape_are_the_ordinary_ones(method):
    bundle, config = bundle_for(method), settings_for(method, "nucleus", length=40)
    ordinary, _, _ = both(bundle, PROMPT, config)
    run = static_run(bundle, config)
    graphs = taped(run)
    assert_same(ordinary, list(run))
    assert all(each.trouble is None for each in graphs)
    assert any(each._captured for each in graphs)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cut", ["nucleus", "processors"])
def test_a_round_with_drawn_siblings_waits_for_the_device_once(method, cut):
    run = static_run(bundle_for(method), settings_for(method, cut, length=60))
    assert isinstance(run._drafter, Guesser | DeviceDraft | DeviceEagle)
    next(run)
    for _ in range(4):
        with host_reads() as found:
            assert next(run).nodes.num_drafted
        assert found == ["numpy"]


@pytest.mark.parametrize("method", ["draft_tree", "medusa", "eagle"])
def test_padding_and_free_slots_change_no_drawn_tree(method, monkeypatch):
    bundle, config = bundle_for(method), settings_for(method, "nucleus")
    ordinary, _, _ = both(bundle, PROMPT, config)
    run = poisoned_run(bundle, config, monkeypatch)
    assert_same(ordinary, list(run))


def test_attention_on_a_tree_with_gaps_is_reported_node_by_node():
    bundle = bundle_for("hydra")
    use_tree_attention(bundle.target)  # the ordinary loop is told by it too
    ordinary, static, _ = both(bundle, PROMPT, settings_for("hydra", "nucleus"))
    assert_same(ordinary, static)
    assert any(this.mass is not None and len(this.nodes) < 10 for this in static)


@pytest.mark.parametrize("wrong", ["uniforms", "generator", "gaps"])
def test_what_is_not_there_would_show(wrong, monkeypatch):
    """The controls: other uniforms to judge with, or to go on with, or nodes without mass."""
    if wrong == "uniforms":
        monkeypatch.setattr(ChildWriter, "end", lambda self: None)
    elif wrong == "generator":
        monkeypatch.setattr(Uniforms, "judged", lambda self, used, n: self._drawn[used : used + n])
    else:
        monkeypatch.setattr("engine.device.drafters.child_writer.distinct_rows", never_out_of_mass)
    with pytest.raises(AssertionError):
        assert_same(*both(bundle_for("eagle"), PROMPT, settings_for("eagle", "nucleus"))[:2])
