"""The attention of a tree: kernel against the float64 reference, row by row."""

import pytest
import torch

from kernels.tiles import Tile
from kernels.tree_attention import tree_attention_reference, tree_attention_triton
from tests.kernels.attention_cases import TOLERANCE, Case, worst_row
from tests.kernels.guards import guarded_allocations
from tests.kernels.order import ORDERS, program_order

SMALL = Tile(16, 16, 4, 2, 0)
WIDE = Tile(64, 64, 4, 2, 0)
DTYPES = list(TOLERANCE)


def run(case, tile=SMALL, splits=1):
    with guarded_allocations():
        return tree_attention_triton(*case.arguments, tile, splits, least=16)


def check(case, **options):
    found, exact = run(case, **options), case.exact(tree_attention_reference)
    tolerance = TOLERANCE[case.query.dtype]
    assert found.out.dtype == case.query.dtype and found.share.dtype == torch.float32
    assert worst_row(found.out, exact.out) < tolerance
    assert float((found.share.double() - exact.share).abs().max()) < tolerance


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("nodes", "length"), [(1, 0), (1, 5), (7, 0), (15, 31), (16, 16), (33, 3)])
def test_short_prefixes_where_the_mask_weighs_most(nodes, length, dtype):
    check(Case(nodes, length, dtype=dtype), splits=2)


@pytest.mark.parametrize("dtype", DTYPES)
def test_long_prefixes_in_parts(dtype):
    """517 slots: parts that end inside the prefix, at the tree and behind it."""
    for splits in (1, 2, 4):
        check(Case(20, 517, dtype=dtype), tile=WIDE, splits=splits)


@pytest.mark.parametrize(("nodes", "length"), [(33, 5), (97, 63), (65, 64), (256, 1)])
def test_trees_of_several_words(nodes, length):
    check(Case(nodes, length, heads=2), tile=WIDE, splits=2)


@pytest.mark.parametrize(
    ("heads", "kv_heads", "size"),
    [(3, 3, 64), (9, 3, 96), (16, 1, 128), (7, 1, 256), (10, 2, 64)],
)
def test_groups_and_head_sizes(heads, kv_heads, size):
    check(Case(9, 37, heads, kv_heads, size), tile=Tile(16, 32, 4, 2, 0), splits=2)


@pytest.mark.parametrize("spare", [1, 23])
def test_rows_of_no_node_are_zero_and_see_nothing(spare):
    """A tree padded to a captured size, its padding full of NaN."""
    case = Case(9, 12, spare=spare)
    found = run(case, splits=2)
    assert not found.out[9:].any() and not found.share[9:].any()
    check(case, splits=2)


@pytest.mark.filterwarnings("ignore:All-NaN")  # the interpreter's, of a maximum
@pytest.mark.parametrize("splits", [1, 2, 3])
@pytest.mark.parametrize("part", ["keys", "values"])
def test_numbers_that_are_none_are_not_lost_on_the_way(splits, part):
    """A prompt that overflowed must end the run in a sentence, not be left out of the text."""
    case = Case(9, 130)
    getattr(case, part)[:, 3] = torch.nan
    found = run(case, splits=splits)
    assert not found.out[:9].isfinite().any(-1).any()


@pytest.mark.parametrize("shift", [1, 2, 5])
def test_one_wrong_bit_of_a_row_shows(shift):
    """The mask tests' own control: one flipped bit in each row is seen in each row."""
    case = Case(12, 4)
    exact = case.exact(tree_attention_reference)
    for node in range(1, 12):
        case.bits[node, 0] ^= 1 << (node - 1 - shift % node)
    found = run(case)
    for node in range(1, 12):
        wrong = worst_row(found.out[node][None], exact.out[node][None])
        assert wrong > 2 * TOLERANCE[torch.bfloat16]


def test_the_length_is_read_from_memory():
    case = Case(5, 40)
    for length in (0, 17, 40):
        case.length.fill_(length)
        case.keys[:, length + 5 :] = torch.nan if length == 40 else 0.5
        check(case, splits=2)


def test_strided_slots_are_read_in_place():
    """Slots as [slots, KV, D] and queries as [H, N, D] in memory."""
    case = Case(6, 20)
    case.keys = case.keys.transpose(0, 1).contiguous().transpose(0, 1)
    case.query = case.query.transpose(0, 1).contiguous().transpose(0, 1)
    check(case, splits=2)


@pytest.mark.parametrize("order", ORDERS)
def test_the_order_of_programs_does_not_matter(order):
    with program_order(order):
        check(Case(9, 40), splits=3)
