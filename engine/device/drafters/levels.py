"""A static shape as index tensors: which nodes a level's children hang below, and where."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from engine.tree import Shape


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """The n nodes of one level that may get children, and these, c in all."""

    parents: torch.Tensor  # [n] nodes
    above: torch.Tensor  # [n] place of each one's parent among the parents of the level before
    children: torch.Tensor  # [c] nodes
    places: torch.Tensor  # [c] place of each one's parent among ``parents``
    ranks: torch.Tensor  # [c]
    wanted: torch.Tensor  # [n] children of each
    most: int  # children of one node


@lru_cache(maxsize=256)
def levels_of(shape: Shape, device: torch.device) -> tuple[Level, ...]:
    """One level for each that has children; copied to the device without a wait."""
    levels, before = [], {-1: 0}
    for nodes in shape.levels()[1:]:
        parents = sorted({shape.parent[node] for node in nodes})
        place = {node: index for index, node in enumerate(parents)}
        columns = (
            parents,
            [before[shape.parent[node]] for node in parents],
            nodes,
            [place[shape.parent[node]] for node in nodes],
            [shape.rank[node] for node in nodes],
            [shape.parent.count(node) for node in parents],
        )
        most = max(columns[-1])
        levels.append(Level(*(_sent(column, device) for column in columns), most))
        before = place
    return tuple(levels)


def _sent(numbers: list[int], device: torch.device) -> torch.Tensor:
    host = torch.from_numpy(np.array(numbers, dtype=np.int64))
    if device.type != "cuda":
        return host
    return host.pin_memory().to(device, non_blocking=True)
