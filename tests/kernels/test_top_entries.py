"""What the record keeps of a judged path: the same entries as a sort of whole rows gives."""

import pytest
import torch

from kernels.accept import accept
from kernels.top_entries import top_entries, top_entries_reference, top_entries_triton
from tests.kernels.guards import guarded_allocations
from tests.kernels.order import program_order
from tests.kernels.tree_cases import Tree

TOP, ROWS = 3, 3


def case(seed, dtype=torch.float32, **options):
    tree = Tree(seed, nodes=7, like=0.9, **options)
    logits = (tree.target_laws.log().clamp_min(-30) * 1.5).to(dtype)
    path, count, extra, _, links, masses = tree.exact
    told = (links, masses.float(), path, count, extra, ROWS, TOP)
    return tree, logits, told


def check(found, tree, logits, told):
    tokens, parents, draft, target = tree.exact_laws
    exact = top_entries_reference(tokens, parents, draft, target, logits.double(), *told)
    assert torch.equal(found.tokens, exact.tokens)
    assert torch.allclose(found.columns.double(), exact.columns, atol=1e-6)
    assert torch.allclose(found.own.double(), exact.own, atol=1e-6)


@pytest.mark.parametrize("laws", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_entries_are_those_of_the_reference(laws, dtype):
    for seed in (0, 3):
        tree, logits, told = case(seed, dtype, laws=laws, vocab=50, spare=2)
        with guarded_allocations():
            found = top_entries_triton(*tree.laws, logits, *told, block=32)
        check(found, tree, logits, told)


@pytest.mark.parametrize("order", ["reversed", "shuffled"])
def test_the_order_of_programs_does_not_matter(order):
    tree, logits, told = case(3, vocab=30)
    with program_order(order):
        check(top_entries_triton(*tree.laws, logits, *told, block=16), tree, logits, told)


def test_among_equals_the_lower_token_comes_first():
    """Ties within a block of 16 and between blocks, as rounded logits have them."""
    tree, logits, told = case(3, vocab=40)
    check(top_entries_triton(*tree.laws, logits.div(4).round(), *told, block=16),
          tree, logits.div(4).round(), told)  # fmt: skip


def test_a_vocabulary_of_fewer_words_than_entries():
    tree, logits, told = case(1, vocab=2, zeros=0.0)
    found = top_entries_triton(*tree.laws, logits, *told)
    check(found, tree, logits, told)
    assert (found.tokens[0, 0] == -1).sum() == 1


def test_a_text_that_ends_in_the_path():
    for seed in range(20):
        tree = Tree(seed, nodes=9, like=0.9)
        tree.ends = tree.tokens[1:]
        if int(tree.exact.extra) < 0:
            break
    path, count, extra, _, links, masses = tree.exact
    told = (links, masses.float(), path, count, extra, ROWS, TOP)
    logits = tree.target_laws.log().clamp_min(-30)
    found = top_entries_triton(*tree.laws, logits, *told)
    check(found, tree, logits, told)
    assert int(count) == 2 and not found.own[:, -1].any()


def test_the_operator_is_well_formed():
    for laws in (True, False):
        tree = Tree(4, laws=laws)
        logits, accepted = tree.target_laws.log().clamp_min(-30), accept(*tree.arguments)
        path, count, extra, _, links, masses = accepted
        told = (links, masses, path, count, extra, ROWS, TOP)
        operator = torch.ops.speculoscope.top_entries
        torch.library.opcheck(operator, (*tree.laws, logits, *told))
        found = top_entries(*tree.laws, logits, accepted, ROWS, TOP)
        check(found, tree, logits, told)
