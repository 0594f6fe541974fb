"""The attention as an operator: what it dispatches to, and what sees through it."""

from contextlib import nullcontext

import pytest
import torch
from torch.nn.attention import flex_attention

from kernels.ancestors import pack_ancestors, unpack_ancestors
from kernels.attention_shape import AttentionShape
from kernels.device import attention_path, refuse
from kernels.flex import tree_attention_flex
from kernels.merge import merge_reference, merge_triton
from kernels.tiles import MAX_SPLITS, table_of
from kernels.tree_attention import (
    tree_attention,
    tree_attention_reference,
    tree_attention_triton,
)
from tests.kernels.attention_cases import TOLERANCE, Case, worst_row
from tests.kernels.guards import guarded_allocations

CPU = torch.device("cpu")
SHAPE = AttentionShape(CPU, torch.float32, 64, 3, 16)


@pytest.mark.parametrize("nodes", [1, 31, 32, 33, 64, 200])
def test_bits_are_the_mask(nodes):
    seen = torch.rand(nodes, nodes) < 0.5
    bits = pack_ancestors(seen)
    assert bits.dtype == torch.int32 and torch.equal(unpack_ancestors(bits), seen)
    assert all((int(bits[nodes - 1, j // 32]) >> j % 32) & 1 == seen[-1, j] for j in range(nodes))
    some = seen[: (nodes + 1) // 2]
    assert torch.equal(unpack_ancestors(pack_ancestors(some), nodes), some)


def test_the_operator_is_well_formed():
    case = Case(5, 9)
    torch.library.opcheck(torch.ops.speculoscope.tree_attention, case.arguments)
    case.query = case.query.transpose(0, 1).contiguous().transpose(0, 1)  # as a model has it
    torch.library.opcheck(torch.ops.speculoscope.tree_attention, case.arguments)


@pytest.mark.parametrize("path", ["reference", "triton"])
def test_every_path_of_the_operator_agrees(path, monkeypatch):
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", path)
    case = Case(7, 11, spare=2)
    found, exact = tree_attention(*case.arguments), case.exact(tree_attention_reference)
    assert worst_row(found.out, exact.out) < TOLERANCE[torch.float32]
    assert float((found.share - exact.share).abs().max()) < TOLERANCE[torch.float32]


def test_flex_attention_agrees(monkeypatch):
    """Uncompiled, for a compiler takes half a minute; slots behind the tree must be finite."""
    monkeypatch.setattr(flex_attention, "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG", True)
    for nodes, length in [(7, 11), (33, 300), (1, 0), (5, 256)]:
        case = Case(nodes, length, spare=2)
        for slots in (case.query, case.keys, case.values):
            slots.nan_to_num_(7.0)
        exact = case.exact(tree_attention_reference)
        out, share = tree_attention_flex(*case.arguments)
        assert worst_row(out, exact.out) < TOLERANCE[torch.float32]
        assert float((share - exact.share).abs().max()) < TOLERANCE[torch.float32]


ATTENTIONS = {
    "reference": tree_attention_reference,
    "flex": tree_attention_flex,
    "triton": lambda *rest: tree_attention_triton(*rest, table_of(9)[4, 64][0], 2, least=16),
}


@pytest.mark.parametrize("path", ATTENTIONS)
@pytest.mark.parametrize("nodes", [(40, 7), (70, 33), (33, 1), (6, 5)], ids=str)
def test_some_of_the_nodes_read_what_they_read_among_all(path, nodes, monkeypatch):
    """A level of a growing tree: fewer rows than there are nodes to look at."""
    monkeypatch.setattr(flex_attention, "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG", True)
    count, some = nodes
    case = Case(count, 19)
    case.keys[:, 19 + count :], case.values[:, 19 + count :] = 7.0, 7.0
    at = torch.randperm(count, generator=torch.Generator().manual_seed(0))[:some]
    exact = case.exact(tree_attention_reference)
    case.query, case.bits = case.query[at], case.bits[at]
    with guarded_allocations() if path == "triton" else nullcontext():
        out, share = ATTENTIONS[path](*case.arguments)
    assert out.shape[0] == some
    assert worst_row(out, exact.out[at]) < TOLERANCE[torch.float32]
    assert float((share - exact.share[at]).abs().max()) < TOLERANCE[torch.float32]


def test_a_compiled_function_keeps_the_operator_whole():
    case = Case(5, 9)

    @torch.compile(fullgraph=True, backend="aot_eager")
    def doubled(*arguments):
        attended = tree_attention(*arguments)
        return attended.out * 2, attended.share

    out, share = doubled(*case.arguments)
    exact = tree_attention(*case.arguments)
    assert torch.equal(out, exact.out * 2) and torch.equal(share, exact.share)


def test_an_exported_program_names_the_operator():
    class Layer(torch.nn.Module):
        def forward(self, query, keys, values, length, count, bits):
            return tree_attention(query, keys, values, length, count, bits, 0.125).out

    case = Case(5, 9)
    program = torch.export.export(Layer(), case.arguments[:-1])
    called = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert any("speculoscope.tree_attention" in name for name in called)
    assert torch.equal(program.module()(*case.arguments[:-1]), tree_attention(*case.arguments).out)


def test_reasons_are_given_where_the_kernel_cannot_run(monkeypatch):
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", "triton")
    assert attention_path(SHAPE) == ("triton", "asked for")
    for shape, word in [
        ((torch.float64, 64, 3, 16), "float64"),
        ((torch.float32, 80, 3, 16), "80"),
        ((torch.float32, 64, 17, 16), "17"),
        ((torch.float32, 64, 3, 257), "257"),
    ]:
        path, reason = attention_path(AttentionShape(CPU, *shape))
        assert path == "reference" and word in reason
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", "auto")
    assert attention_path(SHAPE).path == "reference"


def test_a_device_that_failed_its_check_is_not_used(monkeypatch):
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", "triton")
    monkeypatch.setattr("kernels.device._refused", {})
    refuse(CPU, "triton", "the kernels gave a wrong result here")
    path, reason = attention_path(SHAPE)
    assert path == "reference" and "wrong result" in reason


def test_a_wish_that_is_no_word_is_refused(monkeypatch):
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", "fast")
    with pytest.raises(ValueError, match="fast"):
        tree_attention(*Case(2, 1).arguments)


@pytest.mark.parametrize("parts", [3, 19, MAX_SPLITS])
def test_parts_that_saw_nothing_weigh_nothing(parts):
    """All at once, and more than are read at a time."""
    rng, shape = torch.Generator().manual_seed(0), (parts, 5, 2)
    part = torch.randn(*shape, 96, generator=rng)
    lse, share = torch.randn(shape, generator=rng) * 4, torch.rand(shape, generator=rng)
    lse[1, 2], part[1, 2], share[1, 2] = -torch.inf, torch.nan, torch.nan
    lse[:, 3] = -torch.inf
    count = torch.tensor([4])
    with guarded_allocations():
        out, mass = merge_triton(part, lse, share, count, torch.float32, rows_each=4)
    exact, exact_mass = merge_reference(part.double(), lse.double(), share, count, torch.float64)
    assert worst_row(out, exact) < 1e-6 and torch.allclose(mass.double(), exact_mass.double())
    assert not out[3:].any() and not mass[3:].any()
