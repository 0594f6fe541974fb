"""Measures what a pass over n nodes costs on this machine."""

from collections.abc import Callable, Sequence
from time import perf_counter
from weakref import WeakKeyDictionary

import numpy as np
import torch
from transformers import PreTrainedModel

from engine.context import Context
from engine.pass_cost import PassCost
from engine.positions import longest_context

# Halves and doubles, and where fp16 products on a CPU take a step up: FBGEMM multiplies 6 rows
# at once by AVX2 and 14 by AVX-512, and reads all weights again for each such block.
SIZES = (1, 2, 4, 6, 8, 12, 14, 16, 32, 64)
CONTEXT = 64  # committed tokens while calibrating
REPEATS = 2
SMALL, SMALL_REPEATS = 16, 8  # a few percent of a small pass decide whether a tree is drafted

_measured: "WeakKeyDictionary[PreTrainedModel, PassCost]" = WeakKeyDictionary()


def cost_of(model: PreTrainedModel) -> PassCost:
    """The model's pass cost, calibrated once in a process."""
    if model not in _measured:
        _measured[model] = calibrate(model)
    return _measured[model]


def known_cost_of(model: PreTrainedModel) -> PassCost | None:
    """As ``cost_of``, but never calibrates."""
    return _measured.get(model)


def calibrate(model: PreTrainedModel, sizes: Sequence[int] = SIZES) -> PassCost:
    """Time passes of each size, in turn so that a slow moment hits all alike.

    A model that reads fewer tokens than that takes is timed behind a shorter text, at the sizes
    that it can be read in.
    """
    room = longest_context(model.config.get_text_config())
    committed = min(CONTEXT, room // 2)
    sizes = [size for size in sizes if committed + size <= room] or sizes[:1]
    context = Context(model, committed + max(sizes), "calibration")
    with torch.inference_mode():
        context.prefill([0] * committed)
        return measure(lambda size: _time(context, size), sizes)


def measure(seconds_of: Callable[[int], float], sizes: Sequence[int]) -> PassCost:
    """The fastest of some timings of each size, spread over all turns; the first of each warms up.

    Whatever else the machine does, such as drawing the page that waits for the model, makes a
    pass slower and never faster: of two sizes in the wrong order the smaller was hit.  But that
    of one node stays, which may have a slower kernel of its own.
    """
    timings: dict[int, list[float]] = {size: [] for size in sizes}
    for repeat in range(SMALL_REPEATS + 1):
        for size in sizes:
            if size <= SMALL or repeat % (SMALL_REPEATS // REPEATS) == 0:
                timings[size].append(seconds_of(size))
    one, *rest = [min(timings[size][1:]) for size in sizes]
    seconds = np.maximum(one, [one, *np.minimum.accumulate(rest[::-1])[::-1]])
    return PassCost(tuple(sizes), tuple(seconds.tolist()))


def _time(context: Context, size: int) -> float:
    """Seconds of one pass over a chain of ``size`` nodes."""
    start = perf_counter()
    logits = context.extend([0] * size, range(-1, size - 1))
    float(logits[-1, 0])  # waits for the device
    seconds = perf_counter() - start
    context.commit([])
    return seconds
