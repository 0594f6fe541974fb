"""Draft trees: static shapes, growing trees, ancestors.  Plain numbers and numpy, no torch.

A tree is a list of parents in which parents come first; node 0 is the root, the last
committed token.  Siblings stand in the order they are tested in.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.config import RankPath


@dataclass(frozen=True, slots=True)
class Shape:
    """A static tree: which ranks are drafted below which node, before any token is known."""

    parent: tuple[int, ...]  # -1 for the root
    rank: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.parent)

    @property
    def depth(self) -> tuple[int, ...]:
        """Edges from the root, per node."""
        return depths(self.parent)

    def levels(self) -> list[list[int]]:
        """Nodes by depth, the root's level first."""
        rows: list[list[int]] = [[] for _ in range(max(self.depth) + 1)]
        for node, depth in enumerate(self.depth):
            rows[depth].append(node)
        return rows


@lru_cache(maxsize=256)  # planned shapes are many
def shape_from_paths(paths: tuple[RankPath, ...]) -> Shape:
    """The shape of a set of rank paths (Medusa's notation), level by level."""
    order = [(), *sorted(set(paths), key=lambda path: (len(path), path))]
    number = {path: node for node, path in enumerate(order)}
    parent = tuple(number[path[:-1]] if path else -1 for path in order)
    return Shape(parent, tuple(path[-1] if path else 0 for path in order))


@lru_cache(maxsize=256)
def chain(length: int) -> Shape:
    """A root and ``length`` nodes one below the other."""
    return Shape(tuple(range(-1, length)), (0,) * (length + 1))


def best_paths(
    chance: Callable[[int, int], float],
    worth: Callable[[int, int, float], float],
    max_depth: int,
    max_nodes: int,
    max_rank: int,
) -> tuple[RankPath, ...]:
    """The rank paths of the tree that is worth most, added greedily by their chance.

    Args:
        chance: of the child at (depth, rank) being accepted, its parent being so.
        worth: of a tree of so many drafted nodes and levels that emits that many tokens
            a round on average.  Chances multiply along a path, so the best tree of n
            nodes holds the n most probable ones (Medusa's and Sequoia's greedy argument),
            where no sibling is more probable than its elder.
    """
    heap: list[tuple[float, RankPath, float]] = []  # -chance of the path, it, its parent's chance

    def push(path: RankPath, above: float) -> None:
        if len(path) <= max_depth and path[-1] < max_rank:
            heapq.heappush(heap, (-above * chance(len(path), path[-1]), path, above))

    push((0,), 1.0)
    taken: list[RankPath] = []
    emitted, best, best_size, levels = 1.0, worth(0, 0, 1.0), 0, 0
    while heap and len(taken) < max_nodes:
        negative, path, above = heapq.heappop(heap)
        taken.append(path)
        emitted -= negative
        levels = max(levels, len(path))
        if (value := worth(len(taken), levels, emitted)) > best:
            best, best_size = value, len(taken)
        elif value < best / 2:
            break  # twice as large as pays: what follows is less probable still
        push((*path, 0), -negative)
        push((*path[:-1], path[-1] + 1), above)  # no sibling without its elder: no gaps
    return tuple(taken[:best_size])


def depths(parents: Sequence[int]) -> tuple[int, ...]:
    """Edges from the root (a parent of -1 makes one), per node."""
    found: list[int] = []
    for parent in parents:
        found.append(0 if parent < 0 else found[parent] + 1)
    return tuple(found)


def children(parents: Sequence[int]) -> list[list[int]]:
    """Per node its children, in the order they are tested in."""
    below: list[list[int]] = [[] for _ in parents]
    for node, parent in enumerate(parents):
        if parent >= 0:
            below[parent].append(node)
    return below


def path_tokens(tokens: Sequence[int], parents: Sequence[int], node: int) -> list[int]:
    """Tokens from the root's child down to ``node``; none for the root."""
    path: list[int] = []
    while node > 0:
        path.append(tokens[node])
        node = parents[node]
    return path[::-1]


def ancestors(parents: Sequence[int]) -> np.ndarray:
    """[N, N] bool: row i has a True for i and for every node above it."""
    seen = np.zeros((len(parents), len(parents)), dtype=bool)
    for node, parent in enumerate(parents):
        if parent >= 0:
            seen[node] = seen[parent]
        seen[node, node] = True
    return seen


def is_chain(parents: Sequence[int]) -> bool:
    """Whether every node hangs below the one before it."""
    return all(parent == node - 1 for node, parent in enumerate(parents))
