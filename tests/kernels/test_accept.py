"""Acceptance on the device: the same decisions as the engine's own rule, and its reference's."""

import pytest
import torch
from triton.runtime.interpreter import InterpreterBuilder

from bench.gpu.trees import random_laws
from engine.verify import judge
from kernels.accept import (
    accept,
    accept_greedy,
    accept_greedy_reference,
    accept_greedy_triton,
    accept_reference,
    accept_triton,
)
from kernels.draw import draw_reference
from kernels.point_thresholds import point_thresholds_triton
from kernels.residual import residual, residual_reference, residual_triton
from kernels.thresholds import thresholds_reference, thresholds_triton
from tests.kernels.guards import guarded_allocations
from tests.kernels.order import program_order
from tests.kernels.tree_cases import Tree

KINDS = {
    "laws": {},
    "point masses": {"laws": False},
    "laws alike": {"like": 0.9, "zeros": 0.0},
    "the same law": {"like": 1.0},
    "two tokens": {"vocab": 2, "zeros": 0.0},
    "padded": {"spare": 6},
}


def trees(count, **options):
    for seed in range(count):
        tree = Tree(seed, nodes=1 + seed % 13, **options)
        if seed % 3 == 0:
            tree.ends = torch.tensor([7, int(tree.tokens[-1])])
        yield tree


def judged(tree):
    """The engine's rule on the same tree, its padding left out."""
    tokens, parents, draft, target = tree.exact_laws
    node, real = {}, [i for i, p in enumerate(parents.tolist()) if p >= 0 or i == 0]
    node = {old: new for new, old in enumerate(real)}
    told = judge(
        tokens[real].tolist(),
        [-1, *[node[int(parents[i])] for i in real[1:]]],
        None if draft is None else draft[real],
        target[real],
        tree.uniforms[real].tolist(),
        frozenset(tree.ends.tolist()),
    )
    return [real[i] for i in told.path], sorted(real[i] for i in told.rejected), told


def check_against_the_rule(found, tree):
    path, rejected, told = judged(tree)
    assert found.path.tolist() == path + [-1] * (len(tree.tokens) - len(path))
    assert int(found.count) == len(path)
    assert int(found.extra) == (-1 if told.extra is None else told.extra)
    assert (found.verdicts == 1).nonzero()[:, 0].tolist() == rejected
    assert sorted((found.verdicts == 2).nonzero()[:, 0].tolist()) == sorted(path)
    return told


@pytest.mark.parametrize("kind", KINDS)
def test_the_reference_is_the_engines_rule(kind):
    for tree in trees(60, **KINDS[kind]):
        found = tree.exact
        told = check_against_the_rule(found, tree)
        tokens, _, draft, target = tree.exact_laws
        rows = residual_reference(
            tokens, draft, target, found.links, found.masses, *found[:3], int(found.count)
        )
        for row, law in zip(rows, told.residuals, strict=False):  # none where the text ends
            assert torch.allclose(row, law, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_kernel_is_the_engines_rule(kind):
    for tree in trees(8, **KINDS[kind]):
        with guarded_allocations():
            found = accept_triton(*tree.arguments)
        check_against_the_rule(found, tree)


@pytest.mark.parametrize("laws", [True, False])
@pytest.mark.parametrize("order", ["reversed", "shuffled"])
def test_thresholds_in_blocks_in_any_order(laws, order):
    """97 tokens in blocks of 32: the last block is ragged."""
    tree = Tree(3, nodes=12, vocab=97, laws=laws)
    exact = thresholds_reference(*tree.exact_laws)
    told = tree.laws if laws else (tree.tokens, tree.parents, tree.target_laws)
    with program_order(order):
        links, masses = (thresholds_triton if laws else point_thresholds_triton)(*told, block=32)
    assert torch.equal(links, exact.links)
    assert torch.allclose(masses.double(), exact.masses, atol=1e-6)


@pytest.mark.parametrize("mass", [0.0, 1e-9, 0.3])
def test_point_masses_that_leave_little_or_nothing_of_the_law(mass):
    """Four siblings, the two middle ones with all but ``mass`` of it: no difference of sums."""
    law = torch.zeros(97, dtype=torch.float64)
    law[[3, 50, 90]] = torch.tensor([1 - mass, mass / 2, mass / 2], dtype=torch.float64)
    tokens, parents = torch.tensor([1, 7, 3, 50, 8]), torch.tensor([-1, 0, 0, 0, 0])
    laws = law.expand(5, 97).contiguous()
    exact = thresholds_reference(tokens, parents, None, laws)
    with guarded_allocations():
        found = point_thresholds_triton(tokens, parents, laws.float(), block=32)
    assert torch.equal(found.links, exact.links)
    assert torch.allclose(found.masses.double(), exact.masses, rtol=1e-6, atol=0)


def test_a_law_is_read_once_however_many_children_a_node_has(monkeypatch):
    """A star of one child and of thirty: the vocabulary's blocks are loaded as often."""

    def reads(children):
        asked, load = [], InterpreterBuilder.create_masked_load

        def counted(builder, pointers, *more):
            asked.append(pointers.data.size)
            return load(builder, pointers, *more)

        with monkeypatch.context() as patch:
            patch.setattr(InterpreterBuilder, "create_masked_load", counted)
            tokens, parents = torch.arange(31), torch.zeros(31, dtype=torch.long)
            parents[0], parents[1 + children :] = -1, -1
            laws = torch.full((31, 4096), 1 / 4096)
            point_thresholds_triton(tokens, parents, laws, block=1024)
        return sum(size for size in asked if size >= 1024)

    assert reads(30) == reads(1) > 0


@pytest.mark.parametrize("laws", [True, False])
def test_residuals_along_the_path(laws):
    for seed in range(5):
        tree = Tree(seed, nodes=9, vocab=70, laws=laws, like=0.8)
        tokens, _, draft, target = tree.exact_laws
        exact = tree.exact
        told = (exact.links, exact.masses.float(), *exact[:3], 6)
        right = residual_reference(tokens, draft, target, *told)
        with guarded_allocations():
            rows = residual_triton(tokens, tree.draft_laws, tree.target_laws, *told, block=32)
        assert torch.allclose(rows.double(), right, atol=1e-6)
        assert not rows[int(exact.count) :].any()


def test_a_large_vocabulary_is_drawn_from_in_blocks():
    """Every token of a root's law, by uniforms in the middle of its share and at its edges."""
    tree = Tree(0, nodes=1, vocab=3000)
    upto = tree.target_laws[0].double().cumsum(0)
    for uniform in [0.0, 1e-9, 0.2, 0.5, 0.999, 1 - 2**-53, *(upto[[3, 1023, 1024, 2500]] - 1e-6)]:
        tree.uniforms[0] = uniform
        right = draw_reference(tree.target_laws[0], tree.uniforms[0])
        assert int(accept_triton(*tree.arguments).extra) == int(right)
        assert tree.target_laws[0, right] > 0


def test_a_uniform_at_the_edge_of_a_share_takes_the_next_token():
    """Halves at tokens of one block and of two: u = 1/2 is the second's, and 0 the first's."""
    for second in (1, 2500):
        tree = Tree(0, nodes=1, vocab=3000)
        tree.target_laws.zero_()
        tree.target_laws[0, [0, second]] = 0.5
        for uniform, token in [(0.5, second), (0.5 - 2**-40, 0), (0.0, 0)]:
            tree.uniforms[0] = uniform
            assert int(accept_triton(*tree.arguments).extra) == token
            assert int(draw_reference(tree.target_laws[0], tree.uniforms[0])) == token


@pytest.mark.parametrize("laws", [True, False])
def test_a_token_the_target_never_says_is_rejected_at_uniform_zero(laws):
    tree = Tree(0, nodes=2, vocab=5, laws=laws, zeros=0.0)
    tree.uniforms.zero_()
    tree.target_laws[0, tree.tokens[1]] = 0.0
    assert accept_triton(*tree.arguments).path.tolist() == tree.exact.path.tolist() == [0, -1]


def greedy_case(seed, spare=3):
    tree = Tree(seed, nodes=11, vocab=5, zeros=0.0, spare=spare)
    choice = torch.randint(0, 5, (len(tree.tokens),), generator=tree.rng)
    ends = torch.tensor([4]) if seed % 2 else tree.ends
    return tree.tokens, tree.parents, choice, ends


def test_greedy_acceptance():
    for seed in range(20):
        case = greedy_case(seed)
        with guarded_allocations():
            found = accept_greedy_triton(*case)
        for told, right in zip(found, accept_greedy_reference(*case), strict=True):
            assert torch.equal(told, right)


def test_greedy_is_sampling_from_one_hot_laws():
    for seed in range(20):
        tokens, parents, choice, ends = greedy_case(seed)
        laws = torch.nn.functional.one_hot(choice, 5).double()
        uniforms = torch.rand(len(tokens), dtype=torch.float64)
        sampled = accept_reference(tokens, parents, None, laws, uniforms, ends)
        for told, right in zip(accept_greedy(tokens, parents, choice, ends), sampled, strict=False):
            assert torch.equal(told, right)


def test_the_operators_are_well_formed():
    for tree in (Tree(1), Tree(1, laws=False)):
        torch.library.opcheck(torch.ops.speculoscope.accept, tree.arguments)
        found = accept(*tree.arguments)
        told = (found.links, found.masses, *found[:3], 4)
        case = (tree.tokens, tree.draft_laws, tree.target_laws, *told)
        torch.library.opcheck(torch.ops.speculoscope.residual, case)
    torch.library.opcheck(torch.ops.speculoscope.accept_greedy, greedy_case(1))


def test_a_compiled_function_keeps_the_judgement(monkeypatch):
    """With the interpreted kernels behind it: judge, then what is left, in one graph."""
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", "triton")
    tree = Tree(5)

    @torch.compile(fullgraph=True, backend="aot_eager")
    def step(*case):
        found = accept(*case)
        tokens, _, draft, target, _, _ = case
        told = (found.links, found.masses, *found[:3], 4)
        return found.path, found.extra, residual(tokens, draft, target, *told)

    path, extra, rows = step(*tree.arguments)
    assert torch.equal(path, tree.exact.path) and torch.equal(extra, tree.exact.extra)
    assert torch.allclose(rows.sum(-1), (torch.arange(4) < tree.exact.count).float())


@pytest.mark.parametrize("is_leaf", [True, False])
def test_the_laws_of_nodes_without_children_are_not_read_and_others_are(is_leaf):
    """What is no number shows in the masses wherever a kernel reads it."""
    laws = random_laws(torch.device("cpu"), 97, 9)
    tree, inner = (laws.tokens, laws.parents), set(laws.parents[1:].tolist())
    spoilt = sorted(set(range(9)) - inner if is_leaf else inner)
    right = thresholds_triton(*tree, laws.draft, laws.target)
    right_points = point_thresholds_triton(*tree, laws.target)
    for rows in (laws.draft, laws.target):
        rows[spoilt] = torch.nan
    found = thresholds_triton(*tree, laws.draft, laws.target)
    points = point_thresholds_triton(*tree, laws.target)
    assert spoilt and torch.equal(found[1], right[1]) == is_leaf
    assert torch.equal(points[1], right_points[1]) == is_leaf
