"""``trees.json`` beside a head's weights: what was measured of it, and the trees picked by that.

    {"chances": [[0.6, 0.1], [0.4, 0.1]],          by depth and rank
     "trees": {"8": [[0], [1], [0, 0], ...]},      by the number of drafted nodes
     "sampled": {"chances": ..., "trees": ...}}    the same for drawn children

A tree is a list of rank paths, parents first (Medusa's ``medusa_choices``, which may also stand
alone in the file), or ``{"parents": [-1, 0, ...]}`` with the root as node 0.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.config import MAX_NODES, RankPath
from engine.heads.checkpoint import HeadError, find, parsed

NAME = "trees.json"
MAX_DEPTH, MAX_RANKS, MAX_TREES = 64, 256, 256


@dataclass(frozen=True, slots=True)
class Trees:
    """What is known of one way to draft.

    Attributes:
        chances: [depths][ranks] that the child of this rank is the one accepted, its parent
            being so; ``None`` where nothing was measured.
        by_size: number of drafted nodes -> rank paths.
    """

    chances: tuple[tuple[float, ...], ...] | None = None
    by_size: Mapping[int, tuple[RankPath, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TreeFile:
    """Trees for the most probable children, and for drawn ones."""

    top: Trees = Trees()
    sampled: Trees = Trees()

    def without_trees(self) -> "TreeFile":
        """The chances alone, for who drafts chains."""
        return TreeFile(Trees(self.top.chances), Trees(self.sampled.chances))


def read_trees(home: str | Path) -> TreeFile:
    """The trees in a folder or Hub repository; nothing is known where it has none.

    Raises:
        HeadError: names the entry, and the node of the tree, that is wrong.
    """
    path = find(Path(home).parent if os.path.isfile(home) else home, [NAME])
    if path is None:
        return TreeFile()
    values = parsed(path)
    if isinstance(values, list):
        values = {"medusa_choices": values}
    if not isinstance(values, dict):
        raise HeadError(f"{NAME} holds neither an object nor a list of paths")
    return TreeFile(_trees(values, ""), _sampled(values.get("sampled", {})))


def _sampled(values: Any) -> Trees:
    """The part for drawn children; its trees may stand in it without a name."""
    if not isinstance(values, dict):
        raise HeadError(f"{NAME}: sampled is no object")
    nested = values if values.keys() & {"chances", "trees"} else {"trees": values}
    return _trees(nested, "sampled.")


def _trees(values: Mapping[str, Any], where: str) -> Trees:
    sizes = values.get("trees", {})
    if not isinstance(sizes, dict) or len(sizes) > MAX_TREES:
        raise HeadError(f"{NAME}: {where}trees is no object of at most {MAX_TREES} trees")
    trees = [_sized(size, tree, where) for size, tree in sizes.items()]
    if "medusa_choices" in values:
        trees.append(_paths(values["medusa_choices"], f"{where}medusa_choices"))
    chances = _chances(values["chances"], where) if "chances" in values else None
    return Trees(chances, {len(tree): tree for tree in trees})


def _sized(size: str, values: Any, where: str) -> tuple[RankPath, ...]:
    """A tree that stands under the number of its nodes."""
    tree = _paths(values, f"{where}trees.{size:.20}")
    if size != str(len(tree)):
        raise HeadError(f"{NAME}: {where}trees.{size:.20} is a tree of {len(tree)}")
    return tree


def _chances(values: Any, where: str) -> tuple[tuple[float, ...], ...]:
    """Rows of chances whose sums are at most one."""
    if not _is_list(values, MAX_DEPTH) or not all(_is_list(row, MAX_RANKS) for row in values):
        raise HeadError(f"{NAME}: {where}chances is no list of rows, one a depth")
    for depth, row in enumerate(values, start=1):
        if not all(type(p) in (int, float) and 0 <= p <= 1 for p in row) or sum(row) > 1.001:
            raise HeadError(f"{NAME}: {where}chances at depth {depth} are no probabilities")
    return tuple(tuple(map(float, row)) for row in values)


def _paths(values: Any, where: str) -> tuple[RankPath, ...]:
    """A tree as rank paths, level by level."""
    if isinstance(values, dict):
        values = _paths_of_parents(values.get("parents"), where)
    if not isinstance(values, list):
        raise HeadError(f"{NAME}: {where} is no list of rank paths")
    if len(values) > MAX_NODES:
        raise HeadError(f"{NAME}: {where} has {len(values)} nodes; a tree has at most {MAX_NODES}")
    known: set[RankPath] = {()}
    for node, ranks in enumerate(values, start=1):
        known.add(_checked(ranks, known, f"{NAME}: {where}, node {node}"))
    for node, (*above, rank) in enumerate(values, start=1):
        if rank and (*above, rank - 1) not in known:
            raise HeadError(f"{NAME}: {where}, node {node}, {values[node - 1]}, lacks its elder")
    return tuple(sorted(known - {()}, key=lambda path: (len(path), path)))


def _checked(ranks: Any, known: set[RankPath], node: str) -> RankPath:
    """One path, whose parent and elder siblings stand before it."""
    if not _is_list(ranks, MAX_DEPTH) or not ranks:
        raise HeadError(f"{node} is no path of ranks")
    if not all(type(rank) is int and 0 <= rank < MAX_RANKS for rank in ranks):
        raise HeadError(f"{node} holds something else than ranks from 0 up")
    path = tuple(ranks)
    if path in known:
        raise HeadError(f"{node} stands there twice: {ranks}")
    if path[:-1] not in known:
        raise HeadError(f"{node}, {ranks}, stands before its parent {ranks[:-1]}")
    return path


def _paths_of_parents(parents: Any, where: str) -> list[list[int]]:
    """Rank paths of a tree that is given by its parents, the root first."""
    if not isinstance(parents, list):
        raise HeadError(f"{NAME}: {where} has no list of parents")
    if len(parents) > MAX_NODES + 1:
        raise HeadError(
            f"{NAME}: {where} has {len(parents)} parents; at most {MAX_NODES + 1} are read"
        )
    if not parents or parents[0] != -1:
        raise HeadError(f"{NAME}: {where}, node 0 is no root: its parent must be -1")
    paths: list[list[int]] = [[]]
    ranks: dict[int, int] = {}
    for node, parent in enumerate(parents[1:], start=1):
        if type(parent) is not int or not 0 <= parent < len(parents):
            raise HeadError(f"{NAME}: {where}, node {node} has no parent {parent!r:.20}")
        if parent >= node:
            kind = "is its own ancestor" if _circles(parents, node) else "stands before its parent"
            raise HeadError(f"{NAME}: {where}, node {node} {kind} (node {parent})")
        ranks[parent] = ranks.get(parent, -1) + 1
        paths.append([*paths[parent], ranks[parent]])
    return paths[1:]


def _circles(parents: Sequence[Any], node: int) -> bool:
    """Whether the way up from ``node`` comes back to it."""
    above = node
    for _ in parents:
        above = parents[above]
        if type(above) is not int or not 0 <= above < len(parents):
            return False
        if above == node:
            return True
    return False


def _is_list(value: Any, most: int) -> bool:
    return isinstance(value, list) and len(value) <= most
