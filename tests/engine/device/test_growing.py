"""Dynamic trees on the device: the ordinary loop's, node by node, whatever is asked of them."""

import random

import pytest
import torch

from engine.config import DecodeConfig
from engine.device.drafters.candidates import DeviceCandidates, Spread
from engine.device.drafters.growing import DeviceEagle2
from engine.device.tree_buffers import TreeBuffers
from engine.tree import ancestors, depths
from kernels.ancestors import pack_ancestors, trace_ancestors
from tests.engine.device.test_round import SETTINGS, poisoned_run, static_run, taped
from tests.engine.device.test_run import PROMPT, bundle_for
from tests.engine.heads.features import feature_bundle
from tests.engine.heads.guessers import head_bundle
from tests.engine.heads.test_best_nodes import Table, grown
from tests.engine.heads.test_features_audit import assert_holds
from tests.engine.host_reads import host_reads
from tests.engine.loops import assert_same, both

DYNAMIC = ("eagle2", "eagle3")
GROWN = (*DYNAMIC, "hydra", "hydra++")
CPU = torch.device("cpu")


def on_the_device(table, spread):
    """The tree of a table of chances, by tensors; padding and rows in vain included."""
    tree = TreeBuffers(32, CPU)
    tree.fill([7, *[0] * spread.count], [-1, *[0] * spread.count], 5, [7])
    tree.send()
    candidates, paths = DeviceCandidates(spread, tree.tokens[:1]), [()]
    for depth in range(spread.depth):
        rows = [table.children(path, spread.fan) for path in paths]
        tokens, chances = (torch.tensor([[p[i] for p in row] for row in rows]) for i in (0, 1))
        if chances.dtype != torch.float64:
            chances = torch.tensor([[p[1] for p in row] for row in rows], dtype=torch.float64)
        candidates.expand(tokens, chances)
        if depth < spread.depth - 1:
            candidates.narrow()
            beam = candidates.beam
            told = zip(beam.above.tolist(), beam.tokens.tolist(), strict=True)
            paths = [(*paths[above], token) for above, token in told]
    candidates.write(tree)
    return tree


def assert_is_the_hosts(seed, coarse):
    rng = random.Random(seed)
    width, depth, size = rng.randint(1, 4), rng.randint(1, 4), rng.randint(1, 20)
    expected = grown(Table(seed, coarse), width, depth, size).best()
    count = len(expected.tokens)
    tree = on_the_device(Table(seed, coarse), Spread(size, width, min(width, 5), depth))
    assert tree.count.tolist() == [count]
    assert tuple(tree.tokens[:count].tolist()) == expected.tokens
    assert tuple(tree.parents.tolist()) == (*expected.parents, *[-1] * (32 - count))
    assert tuple(tree.confidence[1:count].tolist()) == expected.confidence[1:]
    assert tuple(tree.depths[:count].tolist()) == depths(expected.parents)
    seen = pack_ancestors(torch.from_numpy(ancestors(expected.parents)))
    assert torch.equal(tree.bits[:count], seen)


@pytest.mark.parametrize("coarse", [False, True], ids=["apart", "ties"])
@pytest.mark.parametrize("seed", range(40))
def test_the_tree_is_the_hosts_also_where_values_tie(seed, coarse):
    assert_is_the_hosts(seed, coarse)


def test_rows_read_in_vain_would_show_if_their_value_were_any_good(monkeypatch):
    """The control."""
    monkeypatch.setattr("engine.device.drafters.candidates.NEVER", 0.5)
    with pytest.raises(AssertionError):
        for seed in range(40):
            assert_is_the_hosts(seed, True)


def test_ancestors_are_traced_as_the_host_lays_them_out():
    rng = random.Random(5)
    for nodes in (1, 2, 7, 40):
        parents = (-1, *(rng.randrange(node) for node in range(1, nodes)))
        seen = trace_ancestors(torch.tensor(parents), max(depths(parents)))
        assert torch.equal(seen, torch.from_numpy(ancestors(parents)))


@pytest.mark.parametrize("method", GROWN)
@pytest.mark.parametrize("tree", [1, 6, 33])
@pytest.mark.parametrize("settings", SETTINGS, ids=["greedy", "sampled", "processors"])
def test_dynamic_trees_are_the_ordinary_loops(method, tree, settings):
    config = DecodeConfig(method, 24, tree=tree, seed=2, **settings)
    ordinary, static, run = both(bundle_for(method), PROMPT, config)
    assert_same(ordinary, static)
    assert max(this.nodes.num_drafted for this in static) == tree


@pytest.mark.parametrize("options", [{}, {"draft_vocab": 6}], ids=["whole", "short"])
@pytest.mark.parametrize(("depth", "seed"), [(1, 3), (2, 7), (12, 4)])
def test_depths_vocabularies_and_ends_are_the_ordinary_loops(depth, seed, options):
    whole = both(
        bundle_for("eagle3", seed=seed, **options), PROMPT, DecodeConfig("eagle3", 16, tree=2)
    )
    for ends in (None, whole[2].generated[7]):
        bundle = bundle_for("eagle3", seed=seed, eos=ends, **options)
        ordinary, static, _ = both(
            bundle, PROMPT, DecodeConfig("eagle3", 16, tree=20, num_draft=depth)
        )
        assert_same(ordinary, static)


@pytest.mark.parametrize("method", ["hydra", "hydra++"])
@pytest.mark.parametrize("options", [{"draft_vocab": 6}, {"grounded": False}, {"num_heads": 1}])
@pytest.mark.parametrize("settings", SETTINGS, ids=["greedy", "sampled", "processors"])
def test_heads_that_know_less_grow_the_ordinary_loops_trees(method, options, settings):
    bundle, config = bundle_for(method, **options), DecodeConfig(method, 24, tree=9, **settings)
    ordinary, static, _ = both(bundle, PROMPT, config)
    assert_same(ordinary, static)


def test_in_single_precision_too():
    for method, bundle in (
        ("eagle3", feature_bundle("eagle3", 14, 3)),
        ("hydra++", head_bundle("hydra++", 14, 3)),
    ):
        ordinary, static, _ = both(bundle, PROMPT, DecodeConfig(method, 30, tree=12))
        assert_same(ordinary, static)


@pytest.mark.parametrize("method", GROWN)
def test_a_text_of_one_token_and_heads_far_behind_are_the_ordinary_loops(method, monkeypatch):
    monkeypatch.setattr("engine.device.drafters.waiting.MOST_BEHIND", 1)
    config = DecodeConfig(method, 30, tree=8, seed=1)
    for prompt in (PROMPT, [4]):
        ordinary, static, _ = both(bundle_for(method), prompt, config)
        assert_same(ordinary, static)


@pytest.mark.parametrize("method", DYNAMIC)
def test_the_heads_slots_equal_a_fresh_pass_after_every_round(method):
    bundle = bundle_for(method)
    run = static_run(bundle, DecodeConfig(method, 24, tree=9, seed=3))
    assert type(run._drafter) is DeviceEagle2
    for _ in run:
        assert_holds(run, bundle)


@pytest.mark.parametrize("method", ["eagle3", "hydra++"])
@pytest.mark.parametrize("settings", SETTINGS, ids=["greedy", "sampled", "processors"])
def test_dynamic_trees_replayed_from_a_tape_are_the_ordinary_ones(method, settings):
    bundle, config = bundle_for(method), DecodeConfig(method, 40, tree=9, **settings)
    ordinary, _, _ = both(bundle, PROMPT, config)
    run = static_run(bundle, config)
    graphs = taped(run)
    assert_same(ordinary, list(run))
    assert all(each.trouble is None and each._captured for each in graphs)
    assert len({this.nodes.parent for this in ordinary}) > 3  # one capture, many trees


def test_a_capture_that_keeps_the_first_tree_goes_wrong(monkeypatch):
    """The control: what hangs where has to be told anew by every round."""
    right, first = DeviceCandidates.write, []

    def wrong(self, tree):
        right(self, tree)
        first.append(tree.parents.clone())
        tree.parents.copy_(first[0])

    monkeypatch.setattr(DeviceCandidates, "write", wrong)
    config = DecodeConfig("eagle3", 40, tree=9)
    ordinary, static, _ = both(bundle_for("eagle3"), PROMPT, config)
    with pytest.raises(AssertionError):
        assert_same(ordinary, static)


@pytest.mark.parametrize("method", GROWN)
@pytest.mark.parametrize("settings", SETTINGS, ids=["greedy", "sampled", "processors"])
def test_a_round_with_a_dynamic_tree_waits_for_the_device_once(method, settings):
    run = static_run(bundle_for(method), DecodeConfig(method, 60, tree=9, **settings))
    next(run)
    for _ in range(4):
        with host_reads() as found:
            assert next(run).nodes.num_drafted
        assert found == ["numpy"]


@pytest.mark.parametrize("method", ["eagle2", "hydra++"])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_padding_and_free_slots_change_no_dynamic_tree(method, temperature, monkeypatch):
    bundle = bundle_for(method)
    config = DecodeConfig(method, 24, temperature=temperature, tree=9)
    ordinary, _, _ = both(bundle, PROMPT, config)
    run = poisoned_run(bundle, config, monkeypatch)
    assert_same(ordinary, list(run))


def test_trees_whose_rows_are_too_many_are_the_hosts():
    run = static_run(bundle_for("eagle3"), DecodeConfig("eagle3", 8, tree=9, num_draft=40))
    assert not isinstance(run._drafter, DeviceEagle2)
    list(run)
