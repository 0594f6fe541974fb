"""What a proposal of Medusa's or Hydra's heads costs on this machine."""

from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from engine.cost import PassCost, measure
from engine.heads.attached import CHILDREN, Attached
from engine.heads.hydra import HydraHeads

SIZES = (1, 2, 4, 6, 8, 12, 16)  # as for the target: ``engine.cost``

_measured: "WeakKeyDictionary[nn.Module, GuessCost]" = WeakKeyDictionary()


class GuessCost(NamedTuple):
    """Seconds of drafting anything at all, and of a level by the nodes that get children."""

    once: float
    level: PassCost | None  # None: all levels are guessed at once


def guess_cost_of(attached: Attached) -> GuessCost:
    """The heads' cost, measured once in a process."""
    if attached.head not in _measured:
        with torch.inference_mode():
            is_hydra = isinstance(attached.head, HydraHeads)
            _measured[attached.head] = (_hydra if is_hydra else _medusa)(attached)
    return _measured[attached.head]


def _medusa(attached: Attached) -> GuessCost:
    """One proposal: every head once, for one state."""
    heads, state = attached.head, _rows(attached, 1, 1)

    def propose(_: int) -> None:
        attached.vocab.top(heads.logits(heads(state)[0], attached.lm_head), CHILDREN)

    return GuessCost(measure(_timed(propose), (1,))(1), None)


def _hydra(attached: Attached) -> GuessCost:
    """A level of so many paths, on average over the heads, and the prefix layer."""
    heads = attached.head

    def draft(size: int) -> None:
        for head in range(heads.num_heads):
            rows = _rows(attached, size, head + 2 if heads.grounded else 1)
            attached.vocab.top(
                heads.logits(head, heads.guess(head, rows), attached.lm_head), CHILDREN
            )

    levels = measure(_timed(draft), SIZES)
    level = PassCost(SIZES, tuple(seconds / heads.num_heads for seconds in levels.seconds))
    if heads.prefix is None:
        return GuessCost(0.0, level)
    states = _rows(attached, 2, 1)[None]  # what an accepted token more brings
    once = measure(_timed(lambda _: float(heads.prefix(states)[0, 0, 0])), (1,))
    return GuessCost(once(1), level)


def _rows(attached: Attached, number: int, width: int) -> Tensor:
    """Rows of zeros beside the heads."""
    word = attached.embed(torch.zeros(1, dtype=torch.long, device=_device(attached)))
    return torch.zeros_like(word).expand(number, -1).repeat(1, width)


def _device(attached: Attached) -> torch.device:
    return next(iter(attached.embed.parameters())).device


def _timed(act: Callable[[int], None]) -> Callable[[int], float]:
    """Seconds of ``act``, which waits for the device itself: it makes lists."""

    def seconds_of(size: int) -> float:
        start = perf_counter()
        act(size)
        return perf_counter() - start

    return seconds_of
