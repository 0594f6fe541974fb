"""What verifies the trees is chosen at load, said once, recorded; and it is what really runs."""

import json
from dataclasses import replace

import pytest
import torch
from torch.nn.attention import flex_attention

import engine.attention.kernel_choice
import kernels.tree_attention
import kernels.trials
from engine import DecodeConfig, Trace, TraceError, load
from engine.attention.kernel_choice import use_kernels, use_kernels_beside
from engine.attention.kernel_path import KernelPath
from engine.attention.tree_attention import attends_by_trees
from kernels.attention_shape import AttentionShape
from kernels.device import attention_path, on_its_device
from kernels.language import TritonError
from kernels.trials import fault, flex_fault
from tests.engine.small_llamas import llama
from tests.engine.test_models import save
from tests.engine.test_trace import a_header
from tests.fakes import text_of, tiny_llama

TREE = ((0,), (1,), (0, 0), (1, 0), (0, 0, 0))
PROMPT = (5, 9, 3, 17, 4)
PATHS = ("reference", "triton", "flex")


@pytest.fixture(autouse=True)
def _afresh(monkeypatch):
    """No device was refused, nothing was tried or said before; flex_attention uncompiled."""
    monkeypatch.setattr("kernels.device._refused", {})
    monkeypatch.setattr(flex_attention, "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG", True)
    for told in (fault, flex_fault, engine.attention.kernel_choice._say):
        told.cache_clear()
    yield
    for told in (fault, flex_fault):
        told.cache_clear()


@pytest.fixture
def home(tmp_path):
    """A target with heads of a size that the kernel has, and a draft model."""
    return save(llama(4, 2, head_dim=64), tmp_path / "good", 40)


def settings(**more):
    return DecodeConfig("draft_tree", max_new_tokens=16, tree=TREE, **more)


def test_a_cpu_verifies_by_sdpa_and_the_header_says_why(home, monkeypatch):
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", "auto")
    bundle = load(home, draft=home)
    header = Trace.record(bundle, PROMPT, settings()).header
    assert header.kernels == bundle.kernels
    assert header.kernels.name == "sdpa" and header.kernels.reason
    assert bundle.target.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("path", PATHS)
def test_what_the_environment_asks_for_is_what_attends(path, home, monkeypatch, capsys):
    """The text stays the target's own, until what was asked for is broken behind its back."""
    right = text_of(load(home), PROMPT, DecodeConfig(max_new_tokens=16))
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", path)
    bundle = load(home, draft=home)
    assert bundle.kernels == KernelPath(path, "asked for")
    assert f"trees are verified by {path}: asked for" in capsys.readouterr().err
    assert text_of(bundle, PROMPT, settings()) == right
    name = f"tree_attention_{path}"
    whole = getattr(kernels.tree_attention, name)

    def halved(*arguments, **options):
        out, share = whole(*arguments, **options)
        return out * 0.5, share

    monkeypatch.setattr(kernels.tree_attention, name, halved)
    assert text_of(bundle, PROMPT, settings()) != right


def test_a_kernel_that_fails_in_a_run_gives_way_and_the_next_header_says_so(
    home, monkeypatch, capsys
):
    """One that was right in its trial: neither this run nor the next one breaks off."""
    right = text_of(load(home), PROMPT, DecodeConfig(max_new_tokens=16))
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", "triton")
    bundle = load(home, draft=home)
    launch, calls = kernels.tree_attention.tree_attention_triton, []

    @on_its_device
    def tree_attention_triton(*told):
        calls.append(told)
        if len(calls) == 5:  # in the middle of a pass
            raise TritonError("at 3:4\nptxas gave up")
        return launch(*told)

    monkeypatch.setattr(kernels.tree_attention, "tree_attention_triton", tree_attention_triton)
    first = Trace.record(bundle, PROMPT, settings())
    assert first.token_ids == right and len(calls) == 5
    why = "kernel tree_attention failed: ptxas gave up"
    assert capsys.readouterr().err.count(f"triton runs no more on cpu: {why}") == 1
    second = Trace.record(bundle, PROMPT, settings())
    assert second.token_ids == right and second.header.kernels == KernelPath("reference", why)


def test_the_choice_is_said_once(monkeypatch, capsys):
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", "reference")
    for _ in range(2):
        use_kernels(llama(4, 2, head_dim=64))
    assert capsys.readouterr().err.count("trees are verified by") == 1


def test_a_word_that_is_none_is_refused_before_anything_is_loaded(monkeypatch):
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", "fast")
    with pytest.raises(ValueError, match="auto, triton, flex or reference, not 'fast'"):
        load("no/such/model")


def test_an_attention_that_gives_other_logits_is_not_used(home, monkeypatch):
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", "reference")
    monkeypatch.setattr(
        kernels.tree_attention,
        "tree_attention_reference",
        lambda query, *_: (query * 0.1, query.new_zeros(query.shape[:2])),
    )
    bundle = load(home)
    assert bundle.kernels.name == "sdpa" and "more than the kernels" in bundle.kernels.reason
    assert bundle.target.config._attn_implementation == "sdpa"


def test_an_attention_that_fails_is_not_used_and_the_reason_is_recorded(home, monkeypatch):
    def failing(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setenv("SPECULOSCOPE_KERNELS", "reference")
    monkeypatch.setattr(kernels.tree_attention, "tree_attention_reference", failing)
    assert load(home).kernels == KernelPath("sdpa", "CUDA out of memory")


@pytest.mark.parametrize(("tree", "name"), [(255, "triton"), (256, "reference")])
def test_a_tree_beyond_the_kernel_is_recorded_with_what_verifies_it(tree, name, home, monkeypatch):
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", "triton")
    bundle = load(home, draft=home)
    config = replace(settings(), tree=tree, max_new_tokens=1)
    header = Trace.record(bundle, PROMPT, config).header
    assert header.kernels.name == name
    assert ("1 to 256 nodes, not 257" in header.kernels.reason) == (name != "triton")


def test_a_model_whose_heads_are_of_another_size_verifies_by_sdpa(tmp_path, monkeypatch):
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", "triton")
    bundle = load(save(tiny_llama(32, 0), tmp_path / "small"))  # heads of 8
    assert bundle.kernels.name == "sdpa" and "not of 8" in bundle.kernels.reason


def test_the_choice_is_read_back_and_nonsense_is_refused(tmp_path):
    header = a_header(kernels=KernelPath("flex", "asked for"))
    Trace(header, ()).save(tmp_path / "run.jsonl")
    line = json.loads((tmp_path / "run.jsonl").read_text())
    assert Trace.load(tmp_path / "run.jsonl").header == header and line["version"] == 1
    for kernels_, reason in [
        ({"name": "magic", "reason": ""}, "kernels.name"),
        ({"name": "flex", "reason": "x" * 501}, "at most 500"),
        ({"name": "flex"}, "no field 'reason'"),
    ]:
        (tmp_path / "bad.jsonl").write_text(json.dumps(line | {"kernels": kernels_}) + "\n")
        with pytest.raises(TraceError, match=reason):
            Trace.load(tmp_path / "bad.jsonl")
    del line["kernels"]
    (tmp_path / "old.jsonl").write_text(json.dumps(line) + "\n")
    assert Trace.load(tmp_path / "old.jsonl").header.kernels is None


@pytest.mark.parametrize("failing", ["too full", "out of memory", "wrong"])
def test_a_draft_model_that_cannot_takes_nothing_from_its_target(failing, monkeypatch):
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", "triton")
    target, helper = llama(4, 2, head_dim=64), llama(4, 2, head_dim=128)
    assert use_kernels(target).name == "triton"
    right = kernels.trials.tree_attention_triton

    def fails(query, *rest, **more):
        if failing == "out of memory":
            raise torch.OutOfMemoryError("CUDA out of memory")
        found = right(query, *rest, **more)
        found.out.mul_(2)
        return found

    if failing == "too full":
        monkeypatch.setattr("kernels.choice.free_bytes", lambda _: 1 << 10)
    else:
        monkeypatch.setattr("kernels.trials.tree_attention_triton", fails)
    assert use_kernels_beside(helper).name == "sdpa" and not attends_by_trees(helper)
    assert attention_path(AttentionShape(target.device, torch.float32, 64, 2, 8)).path == "triton"
    if failing == "out of memory":  # of that moment
        monkeypatch.setattr("kernels.trials.tree_attention_triton", right)
        assert use_kernels_beside(llama(4, 2, head_dim=128)).name == "triton"
