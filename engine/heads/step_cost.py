"""What one level of drafting with a feature head costs on this machine."""

from time import perf_counter
from weakref import WeakKeyDictionary

import torch

from engine.cost import CONTEXT, PassCost, measure
from engine.heads.attached import CHILDREN, Attached
from engine.heads.feature_head import FeatureHead
from engine.heads.head_context import HeadContext

SIZES = (1, 2, 4, 6, 8, 12, 16, 32)  # as for the target: ``engine.cost``

_measured: "WeakKeyDictionary[FeatureHead, PassCost]" = WeakKeyDictionary()


def step_cost_of(attached: Attached) -> PassCost:
    """Seconds of reading so many nodes and choosing their children, measured once in a process."""
    if attached.head not in _measured:
        _measured[attached.head] = calibrate_step(attached)
    return _measured[attached.head]


def calibrate_step(attached: Attached) -> PassCost:
    """Time steps of each size behind a short text."""
    context = HeadContext(attached, CONTEXT + max(SIZES), "calibration")
    features = torch.zeros(max(SIZES), attached.head.config.hidden_size)
    features = features.to(attached.head.device, attached.head.dtype)

    def seconds_of(size: int) -> float:
        start = perf_counter()
        hidden = context.read(features[:size], [0] * size, range(-1, size - 1))
        attached.vocab.top(context.logits(hidden), CHILDREN)  # its lists wait for the device
        seconds = perf_counter() - start
        context.commit([])
        return seconds

    with torch.inference_mode():
        for _ in range(CONTEXT):
            context.read(features[:1], [0], [-1])
            context.commit([0])
        return measure(seconds_of, SIZES)
