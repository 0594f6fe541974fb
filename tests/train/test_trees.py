from itertools import combinations

import numpy as np
import pytest

from train.trees import drawn_tree, greedy_chances, greedy_tree

DEPTH, RANKS = 3, 3
PATHS = [
    path
    for length in range(1, DEPTH + 1)
    for path in np.ndindex(*[RANKS] * length)  # every rank path
]


def is_tree(paths):
    known = {(), *paths}
    return all(p[:-1] in known and (not p[-1] or (*p[:-1], p[-1] - 1) in known) for p in paths)


def worth(paths, chances):
    return sum(np.prod([chances[d][r] for d, r in enumerate(path)]) for path in paths)


def best_by_force(chances, size):
    return max(worth(t, chances) for t in combinations(PATHS, size) if is_tree(t))


def chances_of(seed, falling):
    rng = np.random.default_rng(seed)
    rows = rng.dirichlet([1.0] * (RANKS + 1), DEPTH)[:, :RANKS]
    return (np.sort(rows, 1)[:, ::-1] if falling else rows).tolist()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [1, 2, 4])
def test_the_dynamic_programme_finds_the_best_of_all_trees_whatever_the_chances(seed, size):
    chances = chances_of(seed, falling=False)
    found = drawn_tree(chances, size)
    assert is_tree(found) and len(found) == size
    assert worth(found, chances) == pytest.approx(best_by_force(chances, size))


@pytest.mark.parametrize("seed", range(4))
def test_where_chances_fall_with_the_rank_the_greedy_tree_is_as_good(seed):
    chances = chances_of(seed, falling=True)
    for size in (1, 3, 4):
        found = greedy_tree(chances, size)
        assert is_tree(found) and len(found) == size
        assert worth(found, chances) == pytest.approx(best_by_force(chances, size))


def test_where_they_do_not_fall_the_greedy_tree_can_be_worse():
    chances = [[0.1, 0.9, 0.0], [0.2, 0.0, 0.0], [0.0, 0.0, 0.0]]
    assert worth(drawn_tree(chances, 2), chances) == pytest.approx(1.0)
    assert worth(greedy_tree([[0.3, 0.1]] * 2, 2), [[0.3, 0.1]] * 2) < 1.0


def test_chances_count_each_depth_below_places_that_got_so_far():
    rank = 9
    found = [np.array([[0, 0], [1, 0], [rank, 0]]), np.array([[0, 2]])]
    chances = greedy_chances(found, num_ranks=3)
    assert chances[0] == [0.5, 0.25, 0.0]
    assert chances[1] == [0.6667, 0.0, 0.3333]  # the place with rank 9 got no further
