"""The machine's two ceilings as torch reaches them: bytes a second, operations a second."""

from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple

import torch
from torch import nn
from transformers import PreTrainedModel

from engine.device.joined import Joined
from engine.packed.linear import PackedLinear
from engine.roofline import Roofline

REPEATS = 5  # the fastest counts: a ceiling is what can be reached
CALLS = {"cuda": 16}  # between two waits: a launch and a wait cost as much as a call there
SUM_BYTES = {"cpu": 2**27, "cuda": 2**30}  # several times what caches hold
PRODUCT_SIDE = {"cpu": 1024, "cuda": 8192}

_measured: dict[tuple[torch.device, torch.dtype], "Ceilings"] = {}


class Ceilings(NamedTuple):
    """The best of some repeats."""

    bytes_per_second: float
    operations_per_second: float


def ceilings_of(model: PreTrainedModel) -> Ceilings:
    """Of the model's device and type, measured once in a process."""
    key = (model.device, model.dtype)
    if key not in _measured:
        _measured[key] = measure_ceilings(*key)
    return _measured[key]


def known_roofline_of(model: PreTrainedModel) -> Roofline | None:
    """The model under its machine's ceilings.

    ``None`` where they were not measured yet, and of a mixture of experts: what a pass of it
    reads and computes with depends on its tokens.
    """
    ceilings = _measured.get((model.device, model.dtype))
    if ceilings is None or _has_experts(model):
        return None
    parameters, weight_bytes = size_of(model)
    return Roofline(*ceilings, weight_bytes, parameters) if parameters else None


def measure_ceilings(device: torch.device, dtype: torch.dtype) -> Ceilings:
    """Sum and copy an array that no cache holds; multiply two square matrices."""
    count = SUM_BYTES.get(device.type, 2**27) // dtype.itemsize
    source = torch.ones(count, dtype=dtype, device=device)
    target = torch.empty_like(source)
    size = source.numel() * source.itemsize
    moved = max(
        size / _seconds(lambda: source.sum()), 2 * size / _seconds(lambda: target.copy_(source))
    )
    side = PRODUCT_SIDE.get(device.type, 1024)
    square = torch.ones(side, side, dtype=dtype, device=device)
    return Ceilings(moved, 2 * side**3 / _seconds(lambda: square @ square))


def size_of(model: nn.Module) -> tuple[int, int]:
    """(parameters, bytes) of the matrices that every pass multiplies with.

    Embeddings are looked up, not multiplied with; a head that is tied to them counts.  Experts
    that a pass chooses among are not what every pass multiplies with.
    """
    parameters, size = 0, 0
    for module in model.modules():
        if isinstance(module, PackedLinear):
            count = module.in_features * module.out_features
            parameters, size = parameters + count, size + count * (2 if module.is_half else 4)
        elif _is_matrix(module):
            parameters += module.weight.numel()
            size += module.weight.numel() * module.weight.element_size()
    return parameters, size


def _has_experts(model: nn.Module) -> bool:
    """Whether a pass multiplies with a part of the weights that its tokens choose."""
    return any(
        weight.ndim > 2 or "experts" in name.split(".")  # all in one, or one by one
        for name, weight in model.named_parameters()
    )


def _is_matrix(module: nn.Module) -> bool:
    weight = getattr(module, "weight", None)
    is_left_out = isinstance(module, nn.Embedding | Joined)  # the latter's parts are counted
    return isinstance(weight, torch.Tensor) and weight.ndim == 2 and not is_left_out


def _seconds(work: Callable[[], torch.Tensor]) -> float:
    """Of one call: the fastest of some repeats, the device waited for after each."""
    found, calls = [], CALLS.get(work().device.type, 1)
    for _ in range(REPEATS):
        start = perf_counter()
        for _ in range(calls):
            result = work()
        result.flatten()[0].item()
        found.append((perf_counter() - start) / calls)
    return min(found)
