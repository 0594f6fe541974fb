"""What a gate lets through, in one launch."""

import pytest
import torch
from transformers.activations import ACT2FN

import kernels.gated
from kernels.gated import gated, gated_reference, gated_triton
from tests.kernels.guards import guarded_allocations
from tests.kernels.order import ORDERS, program_order

TOLERANCE = {torch.float64: 1e-12, torch.float32: 2e-6, torch.float16: 2e-3, torch.bfloat16: 1e-2}
GATES = {"reference": gated_reference, "triton": gated_triton}


def case(dtype=torch.float32, shape=(3, 80), scale=3.0):
    rng = torch.Generator().manual_seed(shape[-1])
    return (torch.randn(shape, generator=rng) * scale).to(dtype)


def check(gate, gate_up):
    """Row by row against float64."""
    found = gate(gate_up)
    left, right = gate_up.double().chunk(2, -1)
    exact = left * torch.sigmoid(left) * right
    assert found.shape == exact.shape and found.dtype == gate_up.dtype
    error = (found.double() - exact).norm(dim=-1) / exact.norm(dim=-1)
    assert float(error.max()) < TOLERANCE[gate_up.dtype]


@pytest.mark.parametrize("dtype", TOLERANCE, ids=lambda dtype: str(dtype)[6:])
@pytest.mark.parametrize("gate", GATES)
def test_the_gate_opens_as_silu_does(gate, dtype):
    check(GATES[gate], case(dtype))


@pytest.mark.parametrize("shape", [(1, 2), (5, 6), (2, 3072), (1, 3, 100), (2, 2, 5000)], ids=str)
def test_every_shape(shape):
    check(gated_triton, case(shape=shape))


def test_a_gate_that_is_wide_open_or_shut_is_a_number():
    gate_up = torch.tensor([[1e4, -1e4, 200.0, -200.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0]])
    assert gated_triton(gate_up).tolist() == [[1e4, 0.0, 600.0, 0.0, 0.0]]


def test_rows_that_lie_apart_are_read_where_they_are():
    rows = case()
    apart = torch.cat((rows, rows * 9), -1)[:, : rows.shape[1]]
    assert not apart.is_contiguous()
    check(gated_triton, apart)


@pytest.mark.parametrize("order", ORDERS)
def test_nothing_is_written_beside_the_rows_in_any_order(order, monkeypatch):
    monkeypatch.setattr(kernels.gated, "BLOCK", 16)
    with program_order(order), guarded_allocations():
        check(gated_triton, case())


@pytest.mark.parametrize("mistake", ["halves", "pairs", "sigmoid", "row"])
def test_what_one_gets_wrong_does_not_pass(mistake):
    """The controls: up gates gate, entries in pairs, a bare sigmoid, a neighbour's row."""

    def wrong(gate_up):
        if mistake == "halves":
            gate_up = gate_up.roll(gate_up.shape[1] // 2, 1)
        if mistake == "pairs":
            gate_up = gate_up.unflatten(-1, (-1, 2)).transpose(-1, -2).flatten(-2)
        if mistake == "row":
            gate_up = gate_up.roll(1, 0)
        found = gated_triton(gate_up.contiguous())
        return found / gate_up.chunk(2, -1)[0] if mistake == "sigmoid" else found

    with pytest.raises(AssertionError):
        check(wrong, case())


def test_it_is_what_transformers_does():
    gate, up = case().chunk(2, -1)
    torch.testing.assert_close(gated_triton(case()), ACT2FN["silu"](gate) * up)


def test_the_operator_takes_the_kernel_where_that_runs(monkeypatch):
    taken = []
    for name in GATES:
        monkeypatch.setattr(
            kernels.gated,
            f"gated_{name}",
            lambda rows, name=name: taken.append(name) or GATES[name](rows),
        )
        monkeypatch.setenv("SPECULOSCOPE_KERNELS", name)
        check(gated, case())
    assert taken == [*GATES]


@pytest.mark.parametrize("shape", [(3, 80), (1, 3, 80)], ids=str)
def test_the_operator_is_well_formed(shape):
    torch.library.opcheck(torch.ops.speculoscope.gated, (case(shape=shape),))
