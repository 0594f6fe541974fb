"""Shapes, ancestors and the best tree, without a token."""

from itertools import combinations

import numpy as np
import pytest

from engine.config import DecodeConfig
from engine.tree import ancestors, best_paths, chain, children, depths, is_chain, shape_from_paths

PATHS = ((0,), (0, 0), (1,), (0, 1), (0, 0, 0))


def test_a_shape_stands_level_by_level_with_parents_first():
    shape = shape_from_paths(PATHS)
    assert shape.parent == (-1, 0, 0, 1, 1, 3)
    assert shape.rank == (0, 0, 1, 0, 1, 0)
    assert shape.depth == (0, 1, 1, 2, 2, 3)
    assert shape.levels() == [[0], [1, 2], [3, 4], [5]]


def test_ancestors_are_the_path_to_the_root():
    seen = ancestors((-1, 0, 0, 1, 3))
    rows = [{0}, {0, 1}, {0, 2}, {0, 1, 3}, {0, 1, 3, 4}]
    assert [set(np.flatnonzero(row)) for row in seen] == rows


def test_a_chain_is_one():
    assert chain(3).parent == (-1, 0, 1, 2)
    assert is_chain(chain(3).parent) and not is_chain((-1, 0, 0))
    assert children((-1, 0, 0, 1)) == [[1, 2], [3], [], []]
    assert depths((-1, 0, 0, 1)) == (0, 1, 1, 2)


@pytest.mark.parametrize("size", range(1, 6))
def test_the_best_tree_is_the_best_of_all_trees_of_its_size(size):
    """Against every parent-closed set of paths of at most two ranks and three levels."""
    chances = {(1, 0): 0.6, (1, 1): 0.25, (2, 0): 0.5, (2, 1): 0.3, (3, 0): 0.7, (3, 1): 0.1}

    def chance(depth, rank):
        return chances[depth, rank]

    def emitted(paths):
        return sum(np.prod([chance(i + 1, rank) for i, rank in enumerate(path)]) for path in paths)

    universe = [()]
    for path in universe:
        if len(path) < 3:
            universe += [(*path, 0), (*path, 1)]
    closed = (
        paths
        for paths in combinations(universe[1:], size)
        if all(path[:-1] in {*paths, ()} for path in paths)
    )
    best = max(map(emitted, closed))
    found = best_paths(chance, lambda nodes, _, __: float(nodes), 3, size, 2)
    assert len(found) == size
    assert emitted(found) == pytest.approx(best)


def test_the_best_tree_has_no_sibling_without_its_elder():
    """Not even where the elder is hardly ever right: the drafter drafts by rank."""
    chances = (0.1, 0.2, 0.6)
    found = best_paths(lambda _, rank: chances[rank], lambda n, _, __: float(n), 3, 12, 3)
    DecodeConfig(tree=found)
    assert len(found) == 12
    assert (2,) in found
