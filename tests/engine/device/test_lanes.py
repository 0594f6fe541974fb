"""Lanes are lent and come back; where one cannot be had, or captured, the text is the same."""

from dataclasses import replace

import pytest
import torch

from engine.attention.tree_attention import use_tree_attention
from engine.config import DecodeConfig
from engine.cut_short import NotFiniteError, StoppedError
from engine.decoding import Run, decode
from engine.device.can_step import can_step
from engine.device.drafters.growing import GrowStep
from engine.device.graphs import MOST, Graphs
from engine.device.run import StaticRun
from engine.drafters.draft import Draft
from engine.models import load
from kernels.device import on_its_device, runs_triton
from kernels.language import TritonError
from tests.engine.device.test_round import static_run, taped
from tests.engine.device.test_run import PROMPT, bundle_for
from tests.engine.loops import assert_same, both
from tests.engine.tape import record
from tests.engine.test_audit import BUSHY, assert_holds
from tests.engine.test_models import save
from tests.engine.test_run import closed_within
from tests.fakes import text_of, tiny_bundle, tiny_llama

PENALTY = {"repetition_penalty": 1.7, "max_new_tokens": 20}


def test_the_next_run_has_the_lane_and_nothing_else_of_the_last_one():
    bundle, config = bundle_for("medusa"), DecodeConfig("medusa", tree=BUSHY, **PENALTY)
    expected, _, _ = both(bundle, [9, 9, 4], config)
    first = static_run(bundle, DecodeConfig("medusa", 30, tree=BUSHY))
    graphs, address = taped(first), first._lane.cache.slots.data_ptr()
    list(first)
    captured = len(graphs[0]._captured)
    second = decode(bundle, [9, 9, 4], config)
    assert second._lane.cache.slots.data_ptr() == address and bundle.lanes == []
    assert_same(expected, list(second))
    list(decode(bundle, [9, 9, 4], config))
    assert len(graphs[0]._captured) > captured > 0  # the penalty's own, once for both
    third = decode(bundle, PROMPT, DecodeConfig("medusa", 2000, tree=BUSHY))
    assert third._lane.cache.slots.data_ptr() == address  # the context bounds what is needed


def test_runs_side_by_side_have_a_lane_each():
    bundle, config = bundle_for("draft"), DecodeConfig("draft", 20, tree=4, num_draft=3)
    expected, _, _ = both(bundle, PROMPT, config)
    one, two = static_run(bundle, config), decode(bundle, PROMPT, config)
    assert one._lane is not two._lane
    rounds = list(zip(one, two, strict=True))
    assert_same(expected, [this for this, _ in rounds])
    assert_same(expected, [this for _, this in rounds])
    one.close(), two.close()
    assert len(bundle.lanes) == 1


def test_a_lane_is_not_lent_while_another_thread_is_in_a_round_of_it():
    bundle = bundle_for("draft")
    run = static_run(bundle, DecodeConfig("draft", 20, tree=4, num_draft=3))
    lane = run._lane
    assert closed_within(run, "_judged")
    assert run.end.reason == "cancelled" and run.bundle.lanes == [lane]


def test_a_run_that_is_left_within_its_text_hands_its_lane_on():
    bundle, config = bundle_for("draft"), DecodeConfig("draft", 20, tree=4, num_draft=3)
    expected, _, _ = both(bundle, PROMPT, config)
    for _ in static_run(bundle, config):
        break
    (lane,) = bundle.lanes
    run = decode(bundle, PROMPT, config)
    assert run._lane is lane and bundle.lanes == []
    assert_same(expected, list(run))


@pytest.mark.parametrize("method", ["plain", "draft", "draft_tree"])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_cached_rows_equal_a_fresh_prefill_after_every_round_and_never_move(method, temperature):
    bundle = bundle_for(method)
    config = DecodeConfig(method, 24, temperature=temperature, tree=BUSHY, num_draft=4, seed=3)
    run = static_run(bundle, config)
    address, lengths = run._lane.cache.slots.data_ptr(), {"target": 4, "draft": 4}
    for this in run:
        assert run._lane.cache.slots.data_ptr() == address
        assert_holds(run._target, run.history)
        assert run._target.committed == len(run.history) - 1
        if method != "plain":
            assert_holds(run._drafter.context, run.history)
        for step in this.caches:
            assert step.before == lengths[step.name]
            lengths[step.name] = step.after


def test_a_draft_model_far_behind_catches_up_as_it_does_in_the_ordinary_loop(monkeypatch):
    monkeypatch.setattr("engine.device.drafters.draft.MOST_BEHIND", 1)
    bundle = bundle_for("draft")
    bundle.draft = bundle.target  # everything is accepted: two rows to catch up with
    config = DecodeConfig("draft", 24, tree=4, num_draft=4)
    ordinary, static, _ = both(bundle, PROMPT, config)
    assert_same(ordinary, static)
    assert max(this.caches[1].written for this in static) > 4


def test_a_stop_while_the_prompt_is_read_keeps_the_lane_and_its_graphs():
    bundle, config = bundle_for("eagle2"), DecodeConfig("eagle2", 8, tree=4)
    list(static_run(bundle, config))
    (lane,) = bundle.lanes
    with pytest.raises(StoppedError):
        decode(bundle, PROMPT, config, lambda: True)
    assert bundle.lanes == [lane]
    expected, _, _ = both(bundle, PROMPT, config)
    assert_same(expected, list(decode(bundle, PROMPT, config)))


def test_a_lane_whose_numbers_were_none_is_nobody_elses(monkeypatch):
    bundle, config = bundle_for("plain"), DecodeConfig("plain", 8)
    run = static_run(bundle, config)
    with torch.no_grad():
        bundle.target.get_output_embeddings().weight[3] = torch.nan
    with pytest.raises(NotFiniteError):
        list(run)
    assert run.end.reason == "not_finite" and bundle.lanes == []


@pytest.mark.parametrize("method", ["eagle2", "eagle3"])
def test_what_a_round_left_behind_is_not_read_before_it_is_written_over(method, monkeypatch):
    """A drafted row that overflowed once would else spoil every later tree."""
    bundle, config = bundle_for(method), DecodeConfig(method, 24, tree=6)
    expected = [this.nodes for this in static_run(bundle, config)]
    grow = GrowStep.__call__

    def poisoned(step):
        slots = step.head.buffers.cache.slots
        slots[..., int(step.head.rows.length) :, :] = torch.nan
        return grow(step)

    monkeypatch.setattr(GrowStep, "__call__", poisoned)
    found = [this.nodes for this in static_run(bundle, config)]
    assert found == expected and max(nodes.num_drafted for nodes in found) > 1


def test_a_draft_model_whose_positions_the_host_reads_drafts_on_the_host():
    bundle, config = bundle_for("draft"), DecodeConfig("draft", 12, tree=3, num_draft=3)
    use_tree_attention(bundle.draft)
    assert can_step(bundle.draft)
    bundle.draft.config.rope_parameters = {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}
    assert not can_step(bundle.draft)
    run = static_run(bundle, config)
    assert isinstance(run._drafter, Draft)
    list(run)


def fails(step):
    step()
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nmore")


def test_a_capture_that_fails_is_told_once_and_changes_nothing(capsys):
    bundle, config = bundle_for("suffix"), DecodeConfig("suffix", 30, tree=6)
    expected, _, _ = both(bundle, PROMPT, config)
    run = static_run(bundle, config)
    run._lane.graphs = Graphs(fails)
    assert_same(expected, list(run))
    said = capsys.readouterr().err
    assert said == (
        "rounds run without CUDA graphs: CUDA out of memory. Tried to allocate 2 GiB.\n"
    )


def ends_badly(step):
    """As torch's own: the end of a capture complains of what broke it, and of nothing else."""
    try:
        raise RuntimeError("operation not permitted when stream is capturing")
    except RuntimeError:
        raise RuntimeError("the capture was invalidated")  # noqa: B904


def test_of_a_capture_that_fails_the_cause_is_told(capsys):
    assert Graphs(ends_badly).run("key", lambda: torch.ones(1)).item() == 1.0
    assert "operation not permitted when stream is capturing" in capsys.readouterr().err


@pytest.mark.parametrize("capture", [None, record], ids=["called", "captured"])
def test_a_kernel_that_cannot_be_launched_gives_way_to_what_is_slower(capture, monkeypatch, capsys):
    """One that was right in its trial: the run goes on, and says why it is slow."""

    @on_its_device
    def walk_triton(*_):
        raise TritonError("at 3:4\nptxas gave up")

    bundle, config = bundle_for("suffix"), DecodeConfig("suffix", 12, tree=6)
    bundle.target.float()
    expected, _, _ = both(bundle, PROMPT, config)
    monkeypatch.setattr("kernels.device._refused", {})
    monkeypatch.setattr("kernels.accept.walk_triton", walk_triton)
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", "triton")
    run = static_run(bundle, config)
    run._lane.graphs = Graphs(capture)
    assert_same(expected, list(run), near=2e-4)
    said = capsys.readouterr().err
    assert said == "rounds run without CUDA graphs: kernel walk failed: ptxas gave up\n"
    assert not runs_triton(bundle.device)


def test_no_more_graphs_are_kept_than_one_lane_may_hold():
    graphs, told = Graphs(record), torch.zeros(3)
    for key in range(MOST + 5):
        graphs.run(key, lambda: told + 1)
        graphs.run(0, lambda: told + 1)  # old, and used all the time
    assert len(graphs._captured) == MOST and sorted(graphs._captured)[:2] == [0, 6]
    calls = []
    for _ in range(4):
        graphs.run("rare", lambda: calls.append(0) or told + 1, patience=3)
    assert len(calls) == 3 + 2 + 1  # as it is, then warmed up and captured


def test_a_card_without_memory_for_a_lane_decodes_in_the_ordinary_loop(monkeypatch, capsys):
    bundle, config = bundle_for("draft"), DecodeConfig("draft", 12, tree=3, num_draft=3)
    expected, _, _ = both(bundle, PROMPT, config)
    monkeypatch.setattr("engine.device.lane.Lane", lambda *_: fails(lambda: None))
    run = static_run(bundle, config)
    assert_same(expected, list(run))
    assert capsys.readouterr().err == (
        "rounds wait for the host: CUDA out of memory. Tried to allocate 2 GiB.\n"
    )


def test_what_has_no_kernel_goes_through_the_ordinary_loop_and_says_so(capsys):
    bundle = tiny_bundle(14, 3)
    assert type(decode(bundle, PROMPT)) is Run  # on a CPU, unless it was chosen
    bundle.wants_static = True
    assert type(decode(bundle, PROMPT)) is Run
    assert "the target keeps its own attention" in capsys.readouterr().err
    assert type(static_run(bundle, DecodeConfig("draft", rule="block"))) is Run
    assert "block verification has no kernel" in capsys.readouterr().err
    assert type(static_run(bundle, DecodeConfig("draft"))) is StaticRun


@pytest.mark.parametrize("method", ["suffix", "draft", "hydra"])
def test_texts_end_where_they_end_in_the_ordinary_loop(method):
    """At every length, at an end of sequence wherever it stands, at a stop string in a path."""
    whole = text_of(bundle_for(method), PROMPT, DecodeConfig(max_new_tokens=12))
    for length in range(1, 9):
        config = DecodeConfig(method, length, tree=6, num_draft=5)
        ordinary, static, run = both(bundle_for(method), PROMPT, config)
        assert_same(ordinary, static)
        assert run.generated == whole[:length]
    for ends in sorted(set(whole)):
        bundle = bundle_for(method, eos=ends)
        ordinary, static, run = both(bundle, PROMPT, DecodeConfig(method, 12, tree=6, num_draft=5))
        assert_same(ordinary, static)
        assert run.generated == whole[: whole.index(ends) + 1]
    letters = "".join(chr(97 + token) for token in whole)
    for at in range(8):
        config = DecodeConfig(method, 12, tree=6, num_draft=5, stop=(letters[at : at + 2],))
        assert_same(*both(bundle_for(method), PROMPT, config)[:2])
        bare = replace(config, record=False)
        ordinary, static, _ = both(bundle_for(method), PROMPT, bare)
        assert [this.nodes for this in ordinary] == [this.nodes for this in static]


def test_trees_larger_than_any_graph_and_rounds_without_a_record():
    bundle = bundle_for("draft_tree", context=1024)
    config = DecodeConfig("draft_tree", 12, tree=150, num_draft=12)
    ordinary, static, _ = both(bundle, PROMPT, config)
    assert_same(ordinary, static)
    assert max(len(this.nodes) for this in static) > 128
    bare = DecodeConfig("draft_tree", 12, tree=6, num_draft=3, record=False)
    ordinary, static, _ = both(bundle_for("draft_tree"), PROMPT, bare)
    assert [this.nodes for this in ordinary] == [this.nodes for this in static]
    assert all(this.laws == () for this in static)


def test_the_devices_loop_may_be_chosen_on_loading(tmp_path):
    folder, config = save(tiny_llama(32, 0), tmp_path), DecodeConfig("suffix", 12, tree=4)
    right, chosen = load(folder), load(folder, static=True)
    run = decode(chosen, PROMPT, config)
    assert type(run) is StaticRun and type(decode(right, PROMPT, config)) is Run
    list(run)
    assert run.generated == text_of(right, PROMPT, config)
    is_switched = chosen.target.config._attn_implementation != "sdpa"
    assert is_switched and run.header.kernels.name == "reference"  # not what the ordinary loop has
    assert decode(right, PROMPT, config).header.kernels.name == "sdpa"
