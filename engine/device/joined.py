"""Linear layers that read the same rows, as one product."""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


class Joined(nn.Module):
    """What each of some linear layers says, one behind the other.

    Their weights become views of the one that is read here: they go on working, and take no
    memory of their own.
    """

    def __init__(self, *parts: nn.Linear) -> None:
        super().__init__()
        biases = [part.bias for part in parts if part.bias is not None]
        self.register_buffer("weight", _share([part.weight for part in parts]), persistent=False)
        self.register_buffer("bias", _share(biases) if biases else None, persistent=False)

    def forward(self, rows: Tensor) -> Tensor:
        """[N, sum of their outputs] for ``rows`` [N, inputs]."""
        return linear(rows, self.weight, self.bias)


def can_join(*parts: nn.Module) -> bool:
    """Whether all are plain linear layers of floats alike: subclasses may compute otherwise."""
    if not all(type(part) is nn.Linear and part.weight.is_floating_point() for part in parts):
        return False
    alike = {(p.bias is None, p.in_features, p.weight.dtype, p.weight.device) for p in parts}
    return len(alike) == 1


@torch.no_grad()
def _share(parts: list[nn.Parameter]) -> Tensor:
    """One tensor of all rows, which the parts' own are views of from then on."""
    whole = torch.cat([part.detach() for part in parts])
    for part, view in zip(parts, whole.split([len(part) for part in parts]), strict=True):
        part.data = view
    return whole
