"""A head's static trees, from how often each rank is accepted at each depth.

For greedy drafts the tree of n nodes that emits most holds the n paths with the highest
products of chances (Medusa, arXiv 2401.10774, section 2.3.3).  For drawn ones, whose chances
need not fall with the rank, Sequoia's dynamic programme finds the best (arXiv 2402.12374,
section 3.1).
"""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from engine.config import RankPath
from engine.tree import best_paths

SIZES = (4, 8, 16, 32, 64)  # drafted nodes
RANKS, DRAWN_RANKS = 10, 6
NEAR = 4  # ranks whose children count for the chances of the next depth

Chances = Sequence[Sequence[float]]  # [depth][rank], given that the parent is accepted


def greedy_chances(found: Iterable[np.ndarray], num_ranks: int = RANKS) -> list[list[float]]:
    """How often each rank is the target's own token, by depth.

    Args:
        found: [J, D] ranks of the target's tokens per answer (``train.ranks``).
    """
    rows = np.concatenate(list(found))
    chances = []
    for depth in range(rows.shape[1]):
        column = rows[:, depth]
        hit = [float((column == rank).mean()) if len(column) else 0.0 for rank in range(num_ranks)]
        chances.append([round(chance, 4) for chance in hit])
        rows = rows[column < NEAR]
    return chances


def greedy_tree(chances: Chances, size: int) -> tuple[RankPath, ...]:
    """The ``size`` most probable paths."""
    return best_paths(
        lambda depth, rank: chances[depth - 1][rank],
        lambda nodes, levels, emitted: float(nodes),
        len(chances),
        size,
        len(chances[0]),
    )


def drawn_tree(chances: Chances, size: int) -> tuple[RankPath, ...]:
    """The tree of ``size`` nodes that emits most, by Sequoia's dynamic programme."""
    num_ranks = len(chances[0])

    @cache
    def best(nodes: int, depth: int, rank: int) -> tuple[float, int]:
        """Worth of ``nodes`` below one parent, from child ``rank`` on; and that child's own."""
        if nodes == 0 or depth == len(chances) or rank == num_ranks:
            return 0.0, 0
        found = (0.0, 0)
        for own in range(1, nodes + 1):
            below = best(own - 1, depth + 1, 0)[0]
            beside = best(nodes - own, depth, rank + 1)[0]
            found = max(found, (chances[depth][rank] * (1 + below) + beside, own))
        return found

    def unfold(nodes: int, above: RankPath, rank: int) -> list[RankPath]:
        own = best(nodes, len(above), rank)[1]
        if not own:
            return []
        path = (*above, rank)
        return [path, *unfold(own - 1, path, 0), *unfold(nodes - own, above, rank + 1)]

    return tuple(sorted(unfold(size, (), 0), key=lambda path: (len(path), path)))


def write_trees(path: Path, chances: Chances, drawn: Chances) -> dict[str, list[RankPath]]:
    """Store chances and the trees of every size beside a head; returns the greedy trees."""
    trees = {str(size): sorted(greedy_tree(chances, size), key=_by_level) for size in SIZES}
    sampled = {str(size): drawn_tree(drawn, size) for size in SIZES}
    told = {
        "chances": chances,
        "trees": trees,
        "sampled": {"chances": drawn, "trees": sampled},
    }
    path.write_text(json.dumps(told) + "\n", encoding="utf-8")
    return trees


def _by_level(path: RankPath) -> tuple[int, RankPath]:
    return len(path), path
