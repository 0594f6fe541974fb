"""A sum and its norm in one launch."""

import pytest
import torch
from transformers.models.llama.modeling_llama import LlamaRMSNorm

import kernels.add_norm
from kernels.add_norm import add_norm, add_norm_reference, add_norm_triton
from tests.kernels.guards import guarded_allocations
from tests.kernels.order import ORDERS, program_order

TOLERANCE = {torch.float64: 1e-12, torch.float32: 2e-6, torch.float16: 2e-3, torch.bfloat16: 1e-2}
EPS = 1e-5
ADDERS = {"reference": add_norm_reference, "triton": add_norm_triton}


def case(dtype=torch.float32, shape=(3, 40), scale=1.0):
    """Arguments of the op."""
    rng = torch.Generator().manual_seed(shape[-1])
    rows = (torch.randn(shape, generator=rng) * scale for _ in range(2))
    return *(each.to(dtype) for each in rows), torch.randn(shape[-1:], generator=rng).to(dtype), EPS


def check(add, arguments):
    """Row by row against float64; of the norm too, behind the sum that was kept."""
    residual, added, weight, eps = arguments
    total, normed = add(*arguments)
    assert total.shape == normed.shape == residual.shape
    assert total.dtype == normed.dtype == residual.dtype
    exact = residual.double() + added.double()
    wide = total.double()
    right = wide / (wide.square().mean(-1, keepdim=True) + eps).sqrt() * weight.double()
    for found, wanted in ((total, exact), (normed, right)):
        error = (found.double() - wanted).norm(dim=-1) / wanted.norm(dim=-1)
        assert float(error.max()) < TOLERANCE[residual.dtype]


@pytest.mark.parametrize("dtype", TOLERANCE, ids=lambda dtype: str(dtype)[6:])
@pytest.mark.parametrize("adder", ADDERS)
def test_the_sum_and_its_norm(adder, dtype):
    check(ADDERS[adder], case(dtype))


@pytest.mark.parametrize("shape", [(1, 1), (5, 8), (2, 576), (1, 3, 100), (2, 2, 5000)], ids=str)
def test_every_shape(shape):
    check(add_norm_triton, case(shape=shape))


@pytest.mark.parametrize("scale", [1e-4, 1e3])
def test_small_and_large_rows(scale):
    check(add_norm_triton, case(scale=scale))


def test_rows_that_lie_apart_are_read_where_they_are():
    residual, added, *rest = case()
    apart = [torch.cat((each, each * 9), -1)[:, : each.shape[1]] for each in (residual, added)]
    assert not any(each.is_contiguous() for each in apart)
    check(add_norm_triton, (*apart, *rest))


@pytest.mark.parametrize("adder", ADDERS)
def test_what_comes_out_lies_in_one_piece(adder):
    """Whoever adds to it in place takes it as rows."""
    residual, added, *rest = case(shape=(3, 2, 40))
    turned = residual.transpose(0, 1), added.transpose(0, 1), *rest
    check(ADDERS[adder], turned)
    assert all(each.is_contiguous() for each in ADDERS[adder](*turned))


@pytest.mark.parametrize("order", ORDERS)
def test_nothing_is_written_beside_the_rows_in_any_order(order):
    with program_order(order), guarded_allocations():
        check(add_norm_triton, case())


def test_it_is_what_transformers_does():
    residual, added, weight, eps = case()
    norm = LlamaRMSNorm(len(weight), eps)
    norm.weight.data = weight
    total, normed = add_norm_triton(residual, added, weight, eps)
    assert torch.equal(total, residual + added)
    torch.testing.assert_close(normed, norm(residual + added))


def test_the_norm_is_of_the_sum_as_it_is_kept():
    """In half precision the stream is rounded first: what the next block adds to is that."""
    residual, added, weight, eps = case(torch.float16, (4, 64))
    total, normed = add_norm_triton(residual, added * 1e-3, weight, eps)
    again = add_norm_triton(total, torch.zeros_like(total), weight, eps)
    assert torch.equal(again[0], total) and torch.equal(again[1], normed)


@pytest.mark.parametrize("mistake", ["sum", "square", "weight", "row"])
def test_what_one_gets_wrong_does_not_pass(mistake):
    """The controls: without what is added, of a sum of squares, unweighted, a neighbour's."""

    def wrong(residual, added, weight, eps):
        total, normed = add_norm_triton(residual, added, weight, eps)
        if mistake == "sum":
            normed = add_norm_triton(residual, torch.zeros_like(added), weight, eps)[1]
        if mistake == "square":
            normed = normed / residual.shape[-1] ** 0.5
        if mistake == "weight":
            normed = normed / weight
        if mistake == "row":
            total, normed = total.roll(1, 0), normed.roll(1, 0)
        return total, normed

    with pytest.raises(AssertionError):
        check(wrong, case())


def test_the_operator_takes_the_kernel_where_that_runs_and_the_row_fits(monkeypatch):
    taken = []
    for name in ADDERS:
        monkeypatch.setattr(
            kernels.add_norm,
            f"add_norm_{name}",
            lambda *rest, name=name: taken.append(name) or ADDERS[name](*rest),
        )
        monkeypatch.setenv("SPECULOSCOPE_KERNELS", name)
        check(add_norm, case())
    monkeypatch.setattr(kernels.add_norm, "WIDEST", 39)
    check(add_norm, case())
    assert taken == [*ADDERS, "reference"]


@pytest.mark.parametrize("shape", [(3, 40), (1, 3, 40)], ids=str)
def test_the_operator_is_well_formed(shape):
    torch.library.opcheck(torch.ops.speculoscope.add_norm, case(shape=shape))
