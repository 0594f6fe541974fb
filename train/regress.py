"""The best linear guess of a later state, in closed form: a head that begins with it need not
spend its first hundreds of steps on finding it.
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Linear(NamedTuple):
    """``inputs @ weight.T + bias``."""

    weight: Tensor  # [out, in]
    bias: Tensor  # [out]


@torch.no_grad()
def regress(pairs: Iterable[tuple[Tensor, Tensor]], ridge: float = 0.01) -> Linear:
    """Least squares of outputs [N, out] on inputs [N, in], added up over ``pairs``.

    Args:
        ridge: pulls towards nothing, as share of each input's own size.
    """
    count, gram, cross = 0, None, None
    for inputs, outputs in pairs:
        ones = inputs.new_ones(len(inputs), 1)
        rows = torch.cat([inputs, ones], 1).float()
        count += len(rows)
        gram = rows.T @ rows if gram is None else gram.addmm_(rows.T, rows)
        found = rows.T @ outputs.float()
        cross = found if cross is None else cross.add_(found)
    if gram is None or cross is None:
        raise ValueError("nothing to learn from")
    gram = gram.double() / count
    diagonal = gram.diagonal()
    held = ridge * diagonal.clone()
    held[-1] = 0.0  # the constant is free
    diagonal.add_(held + 1e-9)
    solved = torch.linalg.solve(gram, cross.double() / count).float()
    return Linear(solved[:-1].T.contiguous(), solved[-1].clone())


@torch.no_grad()
def begin_with(layer: nn.Linear, best: Linear) -> None:
    """Give ``layer`` the guess's weights, and its constant where the layer has one."""
    layer.weight.copy_(best.weight)
    if layer.bias is not None:
        layer.bias.copy_(best.bias)
