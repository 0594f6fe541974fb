"""In which floats a machine multiplies: bf16 where it has instructions for it, else fp32.

A CPU that has none takes eight times as long for a product in bf16 as for one in fp32.
"""

from functools import cache
from time import perf_counter

import torch

AUTO = "auto"
SIZE = 512  # of the matrices that are tried: a few milliseconds


def dtype_of(name: str, device: str = "cpu") -> torch.dtype:
    """The dtype of that name; of ``"auto"`` the faster one.

    Raises:
        ValueError: torch has no dtype of that name.
    """
    if name == AUTO:
        return faster_dtype(device)
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype):
        raise ValueError(f"{name} is no dtype: try {AUTO}, bfloat16 or float32")
    return dtype


@cache
def faster_dtype(device: str) -> torch.dtype:
    """bf16 or fp32, whichever this CPU multiplies faster; bf16 on any other device."""
    if torch.device(device).type != "cpu":
        return torch.bfloat16
    return min((torch.float32, torch.bfloat16), key=_seconds)


def _seconds(dtype: torch.dtype) -> float:
    """The shortest of three products; the first warms up."""
    matrix, found = torch.ones(SIZE, SIZE, dtype=dtype), []
    for _ in range(4):
        start = perf_counter()
        torch.mm(matrix, matrix)
        found.append(perf_counter() - start)
    return min(found[1:])
