"""The rounds that ``python -m bench.gpu`` times on a card, rehearsed without one."""

from collections import Counter
from itertools import islice

import pytest
import torch
from torch import nn

from bench.gpu import rounds
from bench.gpu.lines import Ceilings
from bench.gpu.models import HEADS, OWN, add_heads, random_bundle
from bench.gpu.round_bound import drafting_bytes, least_time
from bench.gpu.rounds import METHODS, TREE, drafted_by, time_rounds
from bench.gpu.scale import scale_of
from engine import DecodeConfig, decode
from engine.device.drafters.growing import DeviceEagle2
from engine.device.drafters.prefix import PrefixGuesser
from engine.device.run import StaticRun

SCALE, CEILINGS = scale_of(torch.device("cpu")), Ceilings(1e9, 1e9)
LEVELS = 3  # of ``TREE``


def timed():
    with torch.inference_mode():
        return list(time_rounds(SCALE, CEILINGS, *SCALE.models[:2]))


@pytest.fixture(scope="module")
def heard():
    """All lines but the first, and the runs that they are of, each with what it drafted by."""
    runs, decode = [], rounds.decode

    def hearing(bundle, prompt, config):
        run = decode(bundle, prompt, config)
        runs.append((run, run._drafter))  # which it lets go of in the end
        return run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rounds, "decode", hearing)
        first, *lines = timed()
    assert "verified by" in first.name and first.note
    return lines, runs


def test_whole_rounds_of_each_method_are_timed_greedy_and_drawn(heard):
    lines, _ = heard
    for is_drawn in (False, True):
        chosen = [line for line in lines if (", T 0.7" in line.name) == is_drawn]
        assert {line.name.split()[1].strip(",") for line in chosen} == set(METHODS)
        assert sum("unrecorded" in line.name for line in chosen) == 2
    assert all(line.median > 0 and line.bound > 0 for line in lines)
    assert all(("x plain" in line.note) == ("plain" not in line.name) for line in lines)


def test_methods_with_trees_of_their_own_draw_them_up_on_the_device(heard):
    """A tree that is given would be filled by another drafter; where tokens are drawn it is."""
    assert all(isinstance(run, StaticRun) for run, _ in heard[1])
    found = {(run.config.method, run.config.temperature): drafter for run, drafter in heard[1]}
    for method in ("eagle2", "eagle3"):
        assert isinstance(found[method, 0.0], DeviceEagle2)
        assert found[method, 0.0]._spread.depth == LEVELS
        assert not isinstance(found[method, 0.7], DeviceEagle2) and found[method, 0.7].is_drawn
    grown = found["hydra++", 0.0]
    assert isinstance(grown, PrefixGuesser) and grown._spread.depth == LEVELS


def test_trees_are_as_large_and_as_deep_whoever_draws_them_up(heard):
    lines, runs = heard
    for line, (run, _) in zip(lines, runs, strict=True):
        if run.config.method not in ("plain", "draft"):
            assert "32 drafted" in line.name and run.config.num_draft == LEVELS
    assert drafted_by("eagle2", 0.0).tree == 32 and drafted_by("eagle2", 0.7).tree == TREE


def test_no_round_of_a_benchmark_is_cut_by_the_texts_end(heard):
    """A tree cut shorter would be another step: compiled and captured while it is timed."""
    assert heard[1] and all(run.end.reason == "cancelled" for run, _ in heard[1])


def test_a_method_that_fails_is_a_line_and_leaves_the_others(monkeypatch):
    monkeypatch.setattr(rounds, "METHODS", ("plain", "medusa", "eagle"))
    monkeypatch.setattr("bench.gpu.models.MedusaHeads", None)
    lines = timed()
    failed = [line.name for line in lines if line.note.startswith("failed")]
    assert len(failed) == 2 and all("medusa" in name for name in failed)
    assert lines[-1].median > 0 and "eagle" in lines[-1].name


@pytest.mark.parametrize("method", HEADS)
def test_a_bound_is_of_the_matrices_that_a_round_multiplies_with(method):
    """By hand: every linear layer that is called in a round, as often as it is."""
    with torch.inference_mode():
        bundle = random_bundle(SCALE, *SCALE.models[:2], is_static=True)
        add_heads(bundle, method)
        config = DecodeConfig(method, 64, tree=TREE, chat=False)
        run, called = decode(bundle.for_visitor(), [5, 3, 8, 1], config), Counter()
        output = bundle.target.get_output_embeddings()
        for module in (*bundle.heads[method].attached.head.modules(), output):
            if isinstance(module, nn.Linear):
                module.register_forward_hook(lambda module, *_: called.update([module]))
        list(islice(run, 2))
        called.clear()
        next(run)  # one round is read, and one launched
        run.close()
    called[output] -= 1  # the target's own pass
    moved = sum(times * module.weight.nbytes for module, times in called.items())
    assert moved == drafting_bytes(bundle, method, LEVELS)


def test_only_what_is_drafted_with_is_added_to_the_targets_bound():
    with torch.inference_mode():
        bundle = random_bundle(SCALE, *SCALE.models[:2], is_static=True)
    plain = least_time(bundle, "plain", 0, 0, 40, CEILINGS)
    for method in OWN[1:]:
        longer = least_time(bundle, method, 0, 2, 40, CEILINGS) - plain
        assert longer == pytest.approx(2 * drafting_bytes(bundle, method, 1) / 1e3)
