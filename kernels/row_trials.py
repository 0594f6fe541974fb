"""The kernels that go through a layer's rows, tried on a device against their references."""

import torch

from kernels.add_norm import add_norm_reference, add_norm_triton
from kernels.gated import gated_reference, gated_triton
from kernels.moving_trials import is_near

ROWS, SIZES = 3, (576, 5000)  # of a small model, and of more than a power of two
EPS = 1e-5


def add_norm_is_right(device: torch.device, dtype: torch.dtype, tolerance: float) -> bool:
    """Sums and norms, against float64."""
    for size in SIZES:
        residual, added, weight = (_rows(device, dtype, count, size) for count in (ROWS, ROWS, 1))
        told = residual, added, weight[0]
        found = add_norm_triton(*told, EPS)
        exact = add_norm_reference(*(each.double() for each in told), EPS)
        if not all(is_near(*pair, tolerance) for pair in zip(found, exact, strict=True)):
            return False
    return True


def gated_is_right(device: torch.device, dtype: torch.dtype, tolerance: float) -> bool:
    """Gates that are open and shut, against float64."""
    for size in SIZES:
        rows = 4 * _rows(device, dtype, ROWS, 2 * size)
        if not is_near(gated_triton(rows), gated_reference(rows.double()), tolerance):
            return False
    return True


def _rows(device: torch.device, dtype: torch.dtype, count: int, size: int) -> torch.Tensor:
    """The same on every device."""
    rng = torch.Generator().manual_seed(size + count)
    return torch.randn(count, size, generator=rng).to(device, dtype)
