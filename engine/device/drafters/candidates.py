"""EAGLE-2's dynamic tree on the device: ``engine.drafters.best_nodes`` on tensors of fixed shape.

A node that the host would not have drafted is drafted here too, with a value below all others:
it is never among the best, nor is anything below it.
"""

from dataclasses import dataclass

import torch

from engine.device.tree_buffers import TreeBuffers
from kernels.ancestors import pack_ancestors, trace_ancestors

NEVER = -1.0  # the value of a node that is not drafted; true ones are products of probabilities


@dataclass(frozen=True, slots=True)
class Spread:
    """How a dynamic tree is grown; every number in it is known before the round.

    Attributes:
        size: N, drafted nodes that are kept at the most.
        width: nodes of a level that are read at the most.
        fan: k, children of each.
        depth: levels, at least one.
    """

    size: int
    width: int
    fan: int
    depth: int

    @property
    def beams(self) -> tuple[int, ...]:
        """Rows read for each level, the root's first."""
        beams = [1]
        while len(beams) < self.depth:
            beams.append(min(self.width, self.size, beams[-1] * self.fan))
        return tuple(beams)

    @property
    def count(self) -> int:
        """Drafted nodes that are kept."""
        return min(self.size, sum(self.beams) * self.fan)


@dataclass(frozen=True, slots=True, eq=False)
class Beam:
    """The n nodes of a level that are read, some of them perhaps in vain."""

    nodes: torch.Tensor  # [n] candidates, ascending; the root is 0
    values: torch.Tensor  # [n] fp64
    above: torch.Tensor  # [n] place of each one's parent in the beam before
    tokens: torch.Tensor  # [n]

    @property
    def read(self) -> torch.Tensor:
        """[1] how many of them are not in vain."""
        return (self.values >= 0).sum()[None]


class DeviceCandidates:
    """The nodes drafted in one round, level by level.

    Args:
        root: [1] its token.
    """

    def __init__(self, spread: Spread, root: torch.Tensor) -> None:
        self.spread = spread
        values = torch.ones(1, dtype=torch.float64, device=root.device)
        self.beam = Beam(torch.zeros_like(root), values, torch.zeros_like(root), root)
        self._levels: list[tuple[torch.Tensor, ...]] = []  # values, tokens, chances, parents

    def expand(self, tokens: torch.Tensor, chances: torch.Tensor) -> None:
        """Hang the next level below the beam; ``tokens`` and ``chances`` are [n, k]."""
        chances, above = chances.double(), self.beam.values[:, None]
        values = torch.where(above < 0, NEVER, above * chances)
        parents = self.beam.nodes[:, None].expand_as(tokens)
        columns = (values, tokens, chances, parents)
        self._levels.append(tuple(column.flatten() for column in columns))

    def narrow(self) -> None:
        """The best of the newest level, of equals the older, are the next beam."""
        level_values, level_tokens, *_ = self._levels[-1]
        values = self._column(0)
        before, spread = len(values) - len(level_values), self.spread
        order = values.sort(descending=True, stable=True).indices
        rank = torch.empty_like(order).scatter_(0, order, _counted(order))
        best = level_values.sort(descending=True, stable=True).indices
        best = best[: spread.beams[len(self._levels)]].sort().values
        is_kept = rank[before:].index_select(0, best) < spread.size
        kept = torch.where(is_kept, level_values.index_select(0, best), NEVER)
        tokens = level_tokens.index_select(0, best)
        self.beam = Beam(1 + before + best, kept, best // spread.fan, tokens)

    def write(self, tree: TreeBuffers) -> None:
        """The best of all nodes, into ``tree`` behind its root."""
        count, parents = self.spread.count, self._column(3)
        best = self._column(0).sort(descending=True, stable=True).indices[:count].sort().values
        places = 1 + _counted(best)
        number = torch.zeros(1 + len(parents), dtype=torch.long, device=best.device)
        number = number.scatter_(0, 1 + best, places)
        drafted = slice(1, 1 + count)
        tree.tokens[drafted].copy_(self._column(1).index_select(0, best))
        tree.confidence[drafted].copy_(self._column(2).index_select(0, best))
        tree.parents[drafted].copy_(number.index_select(0, parents.index_select(0, best)))
        seen = trace_ancestors(tree.parents, len(self._levels))
        tree.depths.copy_(seen.sum(-1) - 1)
        tree.bits.copy_(pack_ancestors(seen))

    def _column(self, place: int) -> torch.Tensor:
        """[C] over all levels."""
        return torch.cat([level[place] for level in self._levels])


def _counted(like: torch.Tensor) -> torch.Tensor:
    return torch.arange(len(like), device=like.device)
