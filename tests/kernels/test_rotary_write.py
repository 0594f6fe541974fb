"""Rotation and writing in one launch: heads turned by their row's angle, rows in their slots."""

import pytest
import torch
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

import kernels.rotary_write
from kernels.rotary_write import rotary_write, rotary_write_reference, rotary_write_triton
from tests.kernels.guards import guarded_allocations
from tests.kernels.order import ORDERS, program_order

TOLERANCE = {torch.float64: 1e-12, torch.float32: 2e-6, torch.float16: 2e-3, torch.bfloat16: 1e-2}
SLOTS = 11
ROWS = (4, 9, 0, 5)  # anywhere, in any order
EPS = 1e-5


def case(dtype=torch.float32, size=64, queries=4, kv_heads=2, has_norms=False, rows=ROWS):
    """Arguments of the op; the slots are a view inside larger memory, and hold what was there."""
    rng = torch.Generator().manual_seed(size + queries)
    heads = torch.randn(len(rows), queries + 2 * kv_heads, size, generator=rng).to(dtype)
    angles = torch.rand(len(rows), size // 2, generator=rng, dtype=torch.float64) * 50
    cos, sin = (torch.cat((each, each), -1).to(dtype) for each in (angles.cos(), angles.sin()))
    whole = torch.randn(2, kv_heads + 2, SLOTS + 3, size + 8, generator=rng).to(dtype)
    keys, values = whole[:, 1:-1, 2:-1, 4:-4]
    norms = torch.randn(2, size, generator=rng).to(dtype) if has_norms else None
    return heads, cos, sin, keys, values, torch.tensor(rows), norms, EPS


def exact(arguments):
    """Queries, keys and values of the rows in float64, as complex numbers that are multiplied."""
    heads, cos, sin, keys, _, _, norms, eps = (
        each.double() if isinstance(each, torch.Tensor) and each.is_floating_point() else each
        for each in arguments
    )
    count, half = heads.shape[1] - 2 * len(keys), heads.shape[2] // 2
    found = []
    for place, part in enumerate(heads.split((count, len(keys), len(keys)), 1)):
        if place < 2:
            if norms is not None:
                part = part / (part.square().mean(-1, keepdim=True) + eps).sqrt() * norms[place]
            turned = torch.complex(part[..., :half], part[..., half:])
            turned = turned * torch.complex(cos[:, None, :half], sin[:, None, :half])
            part = torch.cat((turned.real, turned.imag), -1)
        found.append(part)
    return found


def error(found, right):
    """Of the worst head, relative to its length."""
    return float(((found.double() - right).norm(dim=-1) / right.norm(dim=-1)).max())


def check(write, arguments):
    """Queries, written rows, and every bit of what is not to be written."""
    heads, _, _, keys, values, rows, *_ = arguments
    before = [slots.clone() for slots in (keys, values)]
    queries, new_keys, new_values = exact(arguments)
    told = write(*arguments)
    limit = TOLERANCE[heads.dtype]
    assert error(told, queries) < limit
    assert error(keys[:, rows].transpose(0, 1), new_keys) < limit
    assert torch.equal(values[:, rows].transpose(0, 1).double(), new_values)  # moved, not computed
    others = [slot for slot in range(SLOTS) if slot not in rows.tolist()]
    for slots, old in zip((keys, values), before, strict=True):
        assert torch.equal(slots[:, others], old[:, others])


WRITERS = {"reference": rotary_write_reference, "triton": rotary_write_triton}


@pytest.mark.parametrize("has_norms", [False, True], ids=["bare", "norms"])
@pytest.mark.parametrize("dtype", TOLERANCE, ids=lambda dtype: str(dtype)[6:])
@pytest.mark.parametrize("writer", WRITERS)
def test_heads_are_turned_as_complex_numbers_are(writer, dtype, has_norms):
    check(WRITERS[writer], case(dtype, has_norms=has_norms))


@pytest.mark.parametrize("size", [8, 64, 96, 128, 256])
@pytest.mark.parametrize("heads", [(1, 1), (3, 1), (9, 3), (16, 16), (7, 1)], ids=str)
def test_every_shape_of_heads(size, heads):
    check(rotary_write_triton, case(size=size, queries=heads[0], kv_heads=heads[1], rows=(6, 2)))


@pytest.mark.parametrize("order", ORDERS)
def test_programs_do_not_wait_for_each_other(order, monkeypatch):
    monkeypatch.setattr(kernels.rotary_write, "HEADS", 2)
    with program_order(order):
        check(rotary_write_triton, case(has_norms=True))


def test_nothing_is_written_beside_the_slots_and_the_queries():
    arguments = case(queries=5, kv_heads=3)
    whole = arguments[3]._base
    before, outside = whole.clone(), torch.ones_like(whole, dtype=torch.bool)
    outside[:, 1:-1, 2:-1, 4:-4] = False
    with guarded_allocations():
        rotary_write_triton(*arguments)
    assert torch.equal(whole[outside], before[outside])


def test_rows_that_lie_apart_are_read_where_they_are():
    """Heads and angles are parts of something wider, as a product's outputs may be."""
    arguments = case(has_norms=True)
    wide = [torch.cat((each, each * 9), -1) for each in arguments[:3]]
    apart = [each[..., : each.shape[-1] // 2] for each in wide]
    assert not any(each.is_contiguous() for each in apart)
    check(rotary_write_triton, (*apart, *arguments[3:]))


def test_it_is_what_transformers_does():
    heads, cos, sin, keys, values, rows, *_ = case()
    query, key, value = (part.transpose(0, 1)[None] for part in heads.split((4, 2, 2), 1))
    query, key = apply_rotary_pos_emb(query, key, cos[None], sin[None])
    found = rotary_write(heads, cos, sin, keys, values, rows)
    torch.testing.assert_close(found.transpose(0, 1)[None], query)
    torch.testing.assert_close(keys[None, :, rows], key)
    assert torch.equal(values[None, :, rows], value)


@pytest.mark.parametrize("mistake", ["sign", "layout", "row", "head"])
def test_what_projects_got_wrong_does_not_pass(mistake):
    """The controls: turned backwards, pairs side by side, the angle of a neighbour, of a slot."""

    def wrong(heads, cos, sin, keys, values, rows, *rest):
        if mistake == "sign":
            sin = -sin
        if mistake == "row":
            cos, sin = cos.roll(1, 0), sin.roll(1, 0)
        if mistake == "head":
            heads = heads.roll(1, 1)
        if mistake == "layout":
            heads = heads.unflatten(-1, (-1, 2)).transpose(-1, -2).flatten(-2)
        return rotary_write_triton(heads, cos, sin, keys, values, rows, *rest)

    with pytest.raises(AssertionError):
        check(wrong, case())


def test_the_operator_takes_the_kernel_where_that_runs(monkeypatch):
    taken = []
    for name in WRITERS:
        monkeypatch.setattr(
            kernels.rotary_write,
            f"rotary_write_{name}",
            lambda *rest, name=name: taken.append(name) or WRITERS[name](*rest),
        )
        monkeypatch.setenv("SPECULOSCOPE_KERNELS", name)
        check(rotary_write, case())
    assert taken == [*WRITERS]


@pytest.mark.parametrize("has_norms", [False, True])
def test_the_operator_is_well_formed(has_norms):
    torch.library.opcheck(torch.ops.speculoscope.rotary_write, case(has_norms=has_norms))


def test_a_compiled_function_keeps_what_is_written():
    heads, cos, sin, keys, values, rows, *_ = case()
    queries, new_keys, _ = exact((heads, cos, sin, keys, values, rows, None, 0.0))

    @torch.compile(fullgraph=True, backend="aot_eager")
    def step(heads, rows):
        return rotary_write(heads, cos, sin, keys, values, rows) + 1, keys[:, rows] + 1

    told, kept = step(heads, rows)
    assert error(told - 1, queries) < 1e-5
    assert error(kept.transpose(0, 1) - 1, new_keys) < 1e-5
