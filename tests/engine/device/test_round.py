"""A round on the device: captured once for a size, told by memory alone, read once by the host."""

import operator

import numpy as np
import pytest
import torch

from engine.attention.tree_attention import use_tree_attention
from engine.config import DecodeConfig
from engine.decoding import decode
from engine.device.cache import StaticCache
from engine.device.context import StaticContext
from engine.device.drafters.draft import DeviceDraft
from engine.device.drafters.features import DeviceEagle
from engine.device.drafters.guessing import Guesser
from engine.device.fuse import fuse
from engine.device.graphs import Graphs
from engine.device.host_copy import HostCopy
from engine.device.report import Report
from engine.device.round import StaticRound
from engine.device.rounds import StaticRounds
from engine.device.tree_buffers import FRESH, SIZES, TreeBuffers, padded_size
from engine.sampling import Sampler
from engine.tree import ancestors, depths
from kernels.ancestors import pack_ancestors
from tests.engine.device.test_run import CHAIN, PROCESSORS, PROMPT, bundle_for
from tests.engine.host_reads import host_reads
from tests.engine.loops import assert_same, both, swapped
from tests.engine.tape import record
from tests.engine.test_audit import BUSHY
from tests.fakes import tiny_llama

DRAFTED = ("draft", "draft_tree", "medusa", "hydra", "hydra++", "eagle")  # on the device
PARENTS = (-1, 0, 0, 1, 1, 3)
SETTINGS = ({}, {"temperature": 0.9}, {"temperature": 0.9, **PROCESSORS})


def static_run(bundle, config):
    """A run on the device that has read the prompt, in a lane that is new."""
    bundle.lanes.clear()
    use_tree_attention(swapped(bundle).target)
    bundle.wants_static = True
    return decode(bundle.for_visitor(), PROMPT, config)


def taped(run):
    """Let every step of ``run`` be captured, by a tape."""
    lanes = [run._lane, *([run._lane._beside] if run._lane._beside else [])]
    lanes += run._lane.head_buffers.values()
    for lane in lanes:
        lane.graphs = Graphs(record)
    return [lane.graphs for lane in lanes]


@pytest.mark.parametrize("drafted", [0, 4, 8, 16, 32, 63, 64])
def test_the_usual_trees_are_not_padded_to_twice_their_rows(drafted):
    """Rows are not free: a product over 128 of them is bound by arithmetic where 65 are not."""
    assert drafted < padded_size(drafted + 1) <= max(drafted + 4, 1.42 * (drafted + 1))


@pytest.mark.parametrize("method", ["plain", "suffix", *DRAFTED, "eagle2"])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_rounds_replayed_from_a_tape_are_the_ordinary_ones(method, temperature):
    """What Python decides while a step is captured, it decides for every round to come."""
    tree = BUSHY if method == "draft_tree" else CHAIN
    config = DecodeConfig(
        method, 30, temperature=temperature, tree=tree, num_draft=4, seed=4, drafting="sampled"
    )
    bundle = bundle_for(method)
    ordinary, _, _ = both(bundle, PROMPT, config)
    run = static_run(bundle, config)
    graphs = taped(run)
    assert_same(ordinary, list(run))
    assert all(each.trouble is None for each in graphs)
    assert 0 < sum(len(each._captured) for each in graphs) < len(ordinary)


def test_a_tape_of_a_step_that_looks_at_a_number_goes_wrong(monkeypatch):
    """The control: a length that Python has read is the first round's for ever."""
    bundle, config = bundle_for("plain"), DecodeConfig("plain", 12)
    expected, _, _ = both(bundle, PROMPT, config)
    right = StaticContext.read

    def wrong(self, tree):
        length = int(tree._told["length"][0])  # of the host's own memory: nobody refuses that
        tree.length.copy_(torch.zeros_like(tree.length) + length)
        return right(self, tree)

    monkeypatch.setattr(StaticContext, "read", wrong)
    run = static_run(bundle, config)
    assert_same(expected, list(run))
    run = static_run(bundle, config)
    run._lane.graphs = Graphs(record)
    assert [this.emitted for this in run] != [this.emitted for this in expected]


@pytest.mark.parametrize("settings", SETTINGS, ids=["greedy", "sampled", "processors"])
@pytest.mark.parametrize("is_drawn", [False, True])
@torch.inference_mode()
def test_a_step_runs_where_no_number_can_be_read(settings, is_drawn):
    """The meta device has shapes alone: a read, or a tensor left on the CPU, fails there."""
    device, model = torch.device("meta"), tiny_llama(14, 0).to("meta")
    use_tree_attention(fuse(model))
    cache = StaticCache("target", 2, 300)
    cache.storage(0, *[torch.empty(1, 2, 0, 8, device=device)] * 2)
    target = StaticContext(model, cache, {}, (1, 2))
    laws = torch.zeros(8, 14, device=device) if is_drawn else None
    ends, seen = torch.zeros(2, dtype=torch.long, device=device), torch.zeros(14, device=device)
    told = (Sampler(DecodeConfig(**settings)), ends, seen.bool(), laws, True)
    assert StaticRound(target, TreeBuffers(8, device), *told)().device == device
    with pytest.raises(RuntimeError, match="cannot be called on meta tensors"):
        bool(seen[0])


class Poisoned(TreeBuffers):
    """Padding that says whatever does harm; of it only that it has no parent is left alone."""

    def fill(self, tokens, parents, length, *rest):
        super().fill(tokens, parents, length, *rest)
        behind, rng = slice(len(tokens), None), np.random.default_rng(length)
        self._told["tokens"][behind] = rng.integers(0, 14, self.size)[behind]
        self._told["depths"][behind] = rng.integers(0, 9, self.size)[behind]
        self._told["bits"][behind] = -1
        self._told["uniforms"][behind] = np.nan


def poisoned_run(bundle, config, monkeypatch):
    """A run whose padding and free slots hold what does harm where it is read."""
    monkeypatch.setattr("engine.device.tree_buffers.TreeBuffers", Poisoned)
    run = static_run(bundle, config)
    cache = run._lane.cache
    with torch.inference_mode():
        cache.slots[..., cache.committed :, :] = torch.nan
    return run


@pytest.mark.parametrize("method", ["plain", "draft_tree", "medusa", "eagle"])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_padding_and_free_slots_change_nothing(method, temperature, monkeypatch):
    config = DecodeConfig(
        method, 24, temperature=temperature, tree=5, num_draft=4, drafting="sampled", top_p=0.95
    )
    bundle = bundle_for(method)
    ordinary, _, _ = both(bundle, PROMPT, config)
    monkeypatch.setattr(
        "engine.device.tree_buffers.padded_size", lambda nodes: 2 * padded_size(nodes)
    )
    run = poisoned_run(bundle, config, monkeypatch)
    assert_same(ordinary, list(run))


def test_padding_that_claims_a_parent_would_show(monkeypatch):
    """The control: then it is a node like any other, and may be accepted."""
    bundle, config = bundle_for("draft_tree"), DecodeConfig("draft_tree", 40, tree=4, num_draft=2)
    ordinary, _, _ = both(bundle, PROMPT, config)

    class Claiming(Poisoned):
        def fill(self, tokens, *rest):
            super().fill(tokens, *rest)
            self._told["parents"][len(tokens) :] = 0
            self._told["uniforms"][len(tokens) :] = 0

    monkeypatch.setattr("engine.device.tree_buffers.TreeBuffers", Claiming)
    run = static_run(bundle, config)
    with pytest.raises((AssertionError, IndexError, KeyError)):
        assert_same(ordinary, list(run))


@pytest.mark.parametrize("size", [*SIZES, 192])
def test_the_host_lays_a_tree_out_as_the_kernels_read_it(size):
    parents = (PARENTS * 40)[: min(size, len(PARENTS))]
    tree, device = TreeBuffers(size, torch.device("cpu")), torch.device("cpu")
    tree.fill(range(len(parents)), parents, 7, [3])
    tree.send()
    seen = torch.zeros(size, size, dtype=torch.bool, device=device)
    seen[: len(parents), : len(parents)] = torch.from_numpy(ancestors(parents))
    assert torch.equal(tree.bits, pack_ancestors(seen))
    assert tree.depths.tolist() == [*depths(parents), *[0] * (size - len(parents))]
    assert tree.parents.tolist() == [*parents, *[-1] * (size - len(parents))]
    assert tree.length.tolist() == [7] and tree.count.tolist() == [len(parents)]
    assert tree.fresh.tolist() == [3] * FRESH


def test_a_tree_is_padded_to_the_next_captured_size():
    assert [padded_size(nodes) for nodes in (1, 2, 3, 5, 64, 65, 128, 129, 257)] == [
        1, 2, 4, 8, 64, 72, 128, 192, 257,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "method", ["plain", "lookup", "suffix", "draft", "medusa", "hydra", "hydra++", "eagle"]
)
@pytest.mark.parametrize("settings", SETTINGS, ids=["greedy", "sampled", "processors"])
def test_a_round_waits_for_the_device_once(method, settings):
    config = DecodeConfig(method, 40, tree=CHAIN, drafting="sampled", num_draft=3, **settings)
    run = static_run(bundle_for(method), config)
    assert isinstance(run._drafter, Guesser | DeviceDraft | DeviceEagle) == (method in DRAFTED)
    next(run)
    for _ in range(4):
        with host_reads() as found:
            next(run)
        assert found == ["numpy"]  # of the report, behind its event


@pytest.mark.parametrize("method", ["plain", "suffix", "eagle", "draft_tree"])
def test_the_device_is_at_the_next_round_while_the_host_records(method, monkeypatch):
    run, flights, right = static_run(bundle_for(method), settings(method)), [], Report.record

    def noted(report, *rest):
        flights.append(run._rounds.flight is not None)
        return right(report, *rest)

    monkeypatch.setattr(Report, "record", noted)
    rounds = list(run)
    assert flights == [True] * (len(rounds) - 1) + [False]  # nothing is launched behind the end


@pytest.mark.parametrize("method", ["plain", "eagle2"])
def test_a_run_that_is_closed_leaves_a_lane_that_the_next_one_can_have(method):
    bundle = bundle_for(method)
    expected = list(static_run(bundle, settings(method)))
    run = static_run(bundle, settings(method))
    first = [next(run), next(run)]
    run.close()
    assert run.end.reason == "cancelled" and run.end.rounds == 2
    assert run.generated == tuple(token for this in first for token in this.emitted.token)
    (lane,) = bundle.lanes
    again = decode(bundle.for_visitor(), PROMPT, settings(method))
    assert again._lane is lane
    assert_same(expected, list(again))


def test_a_round_that_cannot_be_launched_does_not_take_the_one_before_along(monkeypatch):
    run, right, calls = static_run(bundle_for("plain"), settings("plain")), StaticRounds.launch, []

    def failing(rounds, *rest):
        calls.append(len(calls))
        if len(calls) == 3:
            raise RuntimeError("device-side assert")
        right(rounds, *rest)

    monkeypatch.setattr(StaticRounds, "launch", failing)
    told = [next(run), next(run)]
    with pytest.raises(RuntimeError, match="device-side assert"):
        next(run)
    assert run._trouble is None  # its frames hold all the memory of the round that failed
    assert len(calls) == 3 and [this.index for this in told] == [0, 1]
    assert len(run.generated) == sum(len(this.emitted) for this in told)


def test_a_run_whose_last_flight_failed_closes_and_keeps_its_lane_from_others(monkeypatch):
    bundle = bundle_for("plain")
    run = static_run(bundle, settings("plain"))
    next(run)

    def failing(_):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(HostCopy, "wait", failing)
    run.close()
    assert run.end.reason == "cancelled" and bundle.lanes == []


def test_reading_and_recording_are_in_a_rounds_seconds(monkeypatch):
    """By a clock that they alone move; on a CPU the device stands still for both."""
    now = [0.0]
    for place in ("engine.clock", "engine.device.graphs", "engine.device.marks"):
        monkeypatch.setattr(f"{place}.perf_counter", lambda: now[0])
    for name, took in (("__init__", 1.0), ("record", 4.0)):
        right = getattr(Report, name)

        def slow(*rest, right=right, took=took):
            now[0] += took
            return right(*rest)

        monkeypatch.setattr(Report, name, slow)
    seconds = [this.seconds for this in static_run(bundle_for("plain"), settings("plain"))]
    assert {(each.draft, each.verify, each.commit) for each in seconds} == {(0, 0, 0)}
    assert {each.accept for each in seconds} == {5.0}


def settings(method):
    return DecodeConfig(method, 24, tree=BUSHY if method == "draft_tree" else CHAIN, num_draft=3)


def test_the_ordinary_loop_waits_more_often():
    bundle = bundle_for("plain")
    run = decode(bundle, PROMPT, DecodeConfig("plain", 30))
    with host_reads() as found:
        next(run)
    assert len(found) > 1


VALUE = torch.tensor([1])
WAITS = {
    "item": lambda: VALUE.item(),
    "tolist": lambda: VALUE.tolist(),
    "cpu": lambda: VALUE.cpu(),
    "to": lambda: VALUE.to("cpu"),
    "numpy": lambda: VALUE.numpy(),
    "array": lambda: np.asarray(VALUE),
    "bool": lambda: bool(VALUE),
    "int": lambda: int(VALUE),
    "float": lambda: float(VALUE),
    "index": lambda: operator.index(VALUE),
    "nonzero": lambda: VALUE.nonzero(),
    "mask": lambda: VALUE[VALUE > 0],
    "masked_select": lambda: VALUE.masked_select(VALUE > 0),
    "equal": lambda: torch.equal(VALUE, VALUE),
    "tensor": lambda: torch.tensor([1, 2]),
    "synchronize": lambda: torch.cuda.synchronize(),
    "event": lambda: torch.cuda.Event.synchronize(None),
    "stream": lambda: torch.cuda.Stream.synchronize(None),
}


@pytest.mark.parametrize("wait", WAITS)
def test_every_way_to_wait_is_counted(wait):
    with host_reads() as found:
        WAITS[wait]()
    assert len(found) >= 1


def test_what_does_not_wait_is_not_counted():
    with host_reads() as found:
        VALUE + 1, VALUE.to(torch.float32), VALUE.index_select(0, VALUE - 1), torch.zeros(3)
    assert found == []
