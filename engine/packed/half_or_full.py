"""CPU: whether fp16 products or packed fp32 ones are faster, asked of the CPU itself.

An fp16 product reads half the bytes but has to widen every number.  Which of the two wins is
the processor's affair: on Zen 3 FBGEMM's reads 18 GB/s and takes 0.4 of the time of oneDNN's in
fp32; on one Xeon it read no more than 8 GB/s.
"""

from functools import cache
from time import perf_counter

import torch
from torch import nn

from engine.packed.linear import PackedLinear

SIDE, COUNT = 1024, 12  # matrices that no cache holds: 48 MiB in fp32
ROWS = (1, 8)  # a plain pass and a small tree: both count, and alike
REPEATS = 3
MARGIN = 0.9  # of the fp16 products' time; less is a moment's chance


@cache
def half_pays() -> bool:
    """Whether fp16 products are about as fast or faster; asked once in a process."""
    return MARGIN * seconds_of(halve=True) <= seconds_of(halve=False)


@torch.inference_mode()
def seconds_of(*, halve: bool) -> float:
    """Seconds of reading all the matrices once for each of ``ROWS``, each at its fastest."""
    linear = nn.Linear(SIDE, SIDE, bias=False)
    nn.init.constant_(linear.weight, 2.0**-10)
    matrices = [PackedLinear(linear, halve=halve) for _ in range(COUNT)]
    return sum(min(_once(matrices, rows) for _ in range(REPEATS)) for rows in ROWS)


def _once(matrices: list[PackedLinear], rows: int) -> float:
    hidden = torch.ones(rows, SIDE)
    start = perf_counter()
    for matrix in matrices:
        matrix(hidden)
    return perf_counter() - start
