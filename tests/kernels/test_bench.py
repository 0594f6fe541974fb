"""The benchmark for a card, rehearsed without one: it runs, and a failing part stops no other."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bench.gpu import __main__ as gpu
from bench.gpu import correctness, loop
from bench.gpu.attention import ways
from bench.gpu.lines import Ceilings, Line
from bench.gpu.rounds import METHODS
from bench.gpu.scale import scale_of
from bench.gpu.trees import ancestors, random_parents, random_slots
from engine.device.graphs import Graphs
from engine.tree import ancestors as engine_ancestors
from kernels.accept import accept
from kernels.ancestors import unpack_ancestors

ROOT = Path(__file__).parents[2]
SCALE, CEILINGS = scale_of(torch.device("cpu")), Ceilings(1e9, 1e9)


def lines_of(part):
    with torch.inference_mode():
        return list(gpu.PARTS[part](SCALE, CEILINGS))


@pytest.mark.parametrize("part", ["judgement", "steps"])
def test_parts_give_lines_of_time(part):
    lines = lines_of(part)
    assert lines and all(line.median > 0 for line in lines)
    assert all(Line(**json.loads(json.dumps(line.record))) == line for line in lines)


def test_a_part_has_its_own_time_and_what_those_before_it_left(monkeypatch):
    monkeypatch.setattr(gpu, "monotonic", lambda: 100.0)
    names = list(gpu.SECONDS)
    assert set(names) == {"ceilings", *gpu.PARTS} and gpu.TOTAL <= 460  # of eight minutes
    for spare in (0, 30):
        left = gpu.TOTAL + spare
        for name in names:
            assert gpu._seconds(name, 100.0 + left) == gpu.SECONDS[name] + spare
            left -= gpu.SECONDS[name]


def test_it_runs_where_the_page_does_not():
    """On a machine without gradio, plotly and gguf, and with no checkpoint: the whole command."""
    absent = "for name in ('gradio', 'plotly', 'gguf'): sys.modules[name] = None"
    code = f"import sys\n{absent}\nsys.argv = ['bench.gpu', '--rehearse', '--part', '{{}}']\n"
    code += "import runpy\nrunpy.run_module('bench.gpu', run_name='__main__')"
    told = subprocess.run(
        [sys.executable, "-c", code.format("rounds-8B")],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    lines = [Line(**json.loads(line)) for line in told.stdout.splitlines()]
    assert len(lines) > len(METHODS) and not any("failed" in line.note for line in lines)


def test_what_is_right_is_told():
    assert {line.note for line in lines_of("correctness")} == {"right"}


def test_every_kernel_is_tried_in_the_shapes_that_are_listed(monkeypatch):
    """A card lists all of them; here one is, and the interpreter stands for the card."""
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", "triton")
    monkeypatch.setattr(correctness, "_shapes", lambda: [(torch.float32, 64, 1, 3)])
    lines = lines_of("correctness")
    assert {line.note for line in lines} == {"right"} and lines[-1].name.startswith("all, ")


@pytest.fixture
def few(monkeypatch):
    """A method of each kind of step."""
    monkeypatch.setattr(loop, "METHODS", ("draft_tree", "hydra++", "eagle3"))


def test_the_loop_of_the_device_is_held_against_the_ordinary_one(few):
    assert {line.note for line in lines_of("loop")} == {"right"}


def test_a_loop_that_writes_something_else_is_told(few, monkeypatch):
    def late(*told):
        found = accept(*told)
        return found._replace(extra=found.extra.clamp_max(3))

    monkeypatch.setattr("engine.device.round.accept", late)
    notes = [line.note for line in lines_of("loop")]
    assert all(note.startswith("WRONG: run 1, ") for note in notes)


def test_a_loop_whose_second_run_goes_wrong_is_told(few, monkeypatch):
    """What a graph would do that was captured where nothing runs: tell what it told before."""
    told, turns, played = {}, [], loop._played

    def counted(bundle, config, *, is_static):
        turns.append(turns[-1] + 1 if is_static else 0)
        return played(bundle, config, is_static=is_static)

    def stale(graphs, key, step, patience=0):
        if turns[-1] < 2 or (id(graphs), key) not in told:
            told[id(graphs), key] = step()
        return told[id(graphs), key]

    monkeypatch.setattr(loop, "_played", counted)
    monkeypatch.setattr("engine.device.graphs.Graphs.run", stale)
    notes = [line.note for line in lines_of("loop")]
    assert not any(note.startswith("WRONG: run 1, ") for note in notes)
    wrong = [note for note in notes if note.startswith(("WRONG: run 2, ", "failed"))]
    assert len(wrong) > len(notes) / 2, notes


def test_rounds_that_are_no_replays_are_told_with_the_reason(few, monkeypatch):
    def capture(_):
        raise RuntimeError("operation not permitted")

    monkeypatch.setattr("engine.device.lane.graphs_on", lambda _: Graphs(capture))
    monkeypatch.setattr("bench.gpu.loop.METHODS", ("plain",))
    notes = {line.note for line in lines_of("loop")}
    assert notes == {"failed: not captured: operation not permitted"}


def test_what_was_measured_before_the_command_was_killed_is_kept(monkeypatch, tmp_path):
    def part(name, *_):
        if name == "attention":
            raise KeyboardInterrupt
        return [Line(name, note="right")]

    monkeypatch.setattr(gpu, "_in_a_process", part)
    monkeypatch.setattr("bench.report.RUNS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["bench.gpu", "--rehearse"])
    with pytest.raises(KeyboardInterrupt):
        gpu.main()
    kept = json.loads((tmp_path / "gpu.json").read_text())["parts"]
    assert list(kept) == ["ceilings", "correctness", "loop"]


def test_a_wrong_kernel_is_told(monkeypatch):
    class Wrong:
        def __init__(self, query, *_):
            self.out = query

    monkeypatch.setattr(correctness, "tree_attention", Wrong)
    assert any("WRONG" in line.note for line in lines_of("correctness"))


def test_a_check_that_fails_to_run_is_told_and_leaves_the_others(monkeypatch):
    def failing(*_):
        raise RuntimeError("ptxas gave up")

    monkeypatch.setattr(correctness, "_judgement_error", failing)
    notes = [line.note for line in lines_of("correctness")]
    assert notes.count("failed: ptxas gave up") == 1 and notes.count("right") == len(notes) - 1


@pytest.mark.parametrize(
    ("notes", "word"),
    [
        (["right", "right"], None),
        (["right", "WRONG: a row is off by 1"], "wrong"),
        (["right", "failed: ptxas gave up"], "tried"),
        (["right", "ended with status -6"], "tried"),
        (["right", "stopped after 100 s, its time"], "tried"),
        (["left out: no time is left"], "tried"),
        ([], "tried"),
    ],
)
def test_kernels_are_trusted_only_where_every_check_was_right(notes, word):
    found = correctness.why_not_trusted(notes)
    assert found is None if word is None else word in found


def test_a_bound_that_is_not_known_is_not_shown_as_none_at_all():
    unknown = Ceilings(float("inf"), float("inf"))
    with torch.inference_mode():
        lines = list(gpu.PARTS["steps"](SCALE, unknown))
    assert lines and all(line.bound is None for line in lines)


def test_the_ways_of_attention_agree():
    """All but flex_attention, which is tested by itself."""
    slots = random_slots(SCALE, SCALE.models[0], 16, 40)
    found = ways(slots)
    ours = found["tree_attention"](0).out
    assert torch.allclose(found["SDPA with a mask"](0)[0].transpose(0, 1), ours, atol=1e-5)
    rows = found["cascade of stock kernels"](0).view(2, 16, 2, 64)  # [KV, N, G, D]
    assert torch.allclose(rows.transpose(0, 1).flatten(1, 2), ours, atol=1e-5)


def test_trees_are_the_engines():
    parents = random_parents(40)
    assert torch.equal(ancestors(parents), torch.from_numpy(engine_ancestors(parents)))
    assert unpack_ancestors(torch.tensor([[1], [3]], dtype=torch.int32)).tolist() == [
        [True, False],
        [True, True],
    ]


def test_a_part_that_crashes_or_hangs_is_a_line(monkeypatch):
    """A process of its own for each part: what it printed before counts."""
    line = json.dumps(Line("first", note="kept").record)
    for code, word in [
        ("import os; os.abort()", "status"),
        ("import time; time.sleep(60)", "after"),
    ]:
        script = f"print('{line}', flush=True); {code}"
        monkeypatch.setattr(gpu.sys, "executable", "/usr/bin/env")
        monkeypatch.setattr(gpu, "COMMAND", ["python3", "-c", script])
        found = gpu._in_a_process("steps", ["1", "1"], 6, False)
        assert found[0] == Line("first", note="kept") and word in found[1].note
    assert "no time" in gpu._in_a_process("steps", ["1", "1"], 0, False)[0].note
