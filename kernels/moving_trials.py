"""The kernels that write to slots, tried on a device against their references."""

import torch

from kernels.commit import commit_reference, commit_triton
from kernels.rotary_write import rotary_write_reference, rotary_write_triton

ROWS, SLOTS, KV_HEADS = 3, 16, 2
EPS = 1e-5


def commit_is_right(device: torch.device, dtype: torch.dtype, head_size: int) -> bool:
    """An overlapping move of five rows."""
    path, count, start = (torch.tensor(n, device=device) for n in ([0, 2, 3, 5, 8], [5], [4]))
    moved = [torch.randn(3, 2, SLOTS, head_size, device=device).to(dtype) for _ in range(2)]
    right = [slots.clone() for slots in moved]
    commit_triton(*moved, path, count, start)
    commit_reference(*right, path, count, start)
    return all(map(torch.equal, moved, right))


def rotary_write_is_right(
    device: torch.device, dtype: torch.dtype, head_size: int, group: int, tolerance: float
) -> bool:
    """Rows to slots in no order, without norms and with them, against float64."""
    rng = torch.Generator().manual_seed(0)
    heads = torch.randn(ROWS, (group + 2) * KV_HEADS, head_size, generator=rng)
    angles = (torch.rand(ROWS, head_size // 2, generator=rng) * 9).repeat(1, 2)
    norms = torch.randn(2, head_size, generator=rng)
    told = [each.to(device, dtype) for each in (heads, angles.cos(), angles.sin(), norms)]
    rows, slots = torch.tensor([5, 0, 9], device=device), (2, KV_HEADS, SLOTS, head_size)
    for has_norms in (False, True):
        found = torch.zeros(slots, device=device, dtype=dtype)
        right = found.double()
        wide = [each.double() for each in told]
        weights = (told[3], wide[3]) if has_norms else (None, None)
        queries = rotary_write_triton(*told[:3], *found, rows, weights[0], EPS)
        exact = rotary_write_reference(*wide[:3], *right, rows, weights[1], EPS)
        if not all(is_near(*pair, tolerance) for pair in ((queries, exact), (found, right))):
            return False
    return True


def is_near(found: torch.Tensor, exact: torch.Tensor, tolerance: float) -> bool:
    """Row by row; what was not written is the same."""
    error = (found.double() - exact).norm(dim=-1)
    return bool((error <= tolerance * exact.norm(dim=-1)).all())  # not of NaN
