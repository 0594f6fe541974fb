"""What stands where in the row of fp64 numbers that a round on the device tells the host.

fp64 holds every token id and every probability as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
import torch

from engine.recorder import TOP
from kernels.candidates import SOURCES

HEAD = ("count", "extra", "top")  # of the path: nodes, the token behind it, the largest logit


@dataclass(frozen=True, slots=True)
class ReportLayout:
    """The parts of one kind of report, by name and in order.

    Attributes:
        size: of the tree's buffers.
        is_drafted: whether the host has yet to learn the tokens and what hangs where.
        is_recorded: whether distributions are told.
        has_share: whether a layer was asked where its attention fell.
    """

    size: int
    is_drafted: bool
    is_recorded: bool
    has_share: bool

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape."""
        one, each = (1,), (self.size,)
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(HEAD, one)
        shapes |= {"path": each, "verdicts": each}
        if self.is_drafted:
            shapes |= {"tokens": each, "parents": each, "confidence": each}
            shapes |= {"read": one, "drawn": one}
        if self.is_recorded:
            shapes |= {"probs": each, "tests": (2, self.size), "entries": (self.size, SOURCES, TOP)}
            shapes |= {"columns": (self.size, SOURCES, SOURCES, TOP)}
            shapes |= {"own": (SOURCES, self.size + 1)}
        if self.has_share:
            shapes["share"] = each
        return shapes

    def pack(self, parts: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """One row of numbers; parts that the layout does not name are left out."""
        return torch.cat([parts[name].flatten().double() for name in self.shapes])

    def unpack(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        """The parts as views of a row that ``pack`` made."""
        shapes = self.shapes
        ends = np.cumsum([prod(shape) for shape in shapes.values()])
        assert ends[-1] == len(numbers)
        rows = np.split(numbers, ends[:-1])
        return {
            name: row.reshape(shape)
            for (name, shape), row in zip(shapes.items(), rows, strict=True)
        }


def path_of(numbers: torch.Tensor, size: int) -> torch.Tensor:
    """[size] of the accepted path, -1 behind it, in a row of numbers where they are."""
    return numbers[len(HEAD) : len(HEAD) + size]


def kept_of(numbers: torch.Tensor) -> torch.Tensor:
    """[1] how many of the path's nodes are kept in the slots: the text's last token never is."""
    return _head(numbers, "count") - (_head(numbers, "extra") < 0).double()


def _head(numbers: torch.Tensor, name: str) -> torch.Tensor:
    """[1] one of ``HEAD``."""
    at = HEAD.index(name)
    return numbers[at : at + 1]
