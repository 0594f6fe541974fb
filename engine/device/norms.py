"""A model's root-mean-square norms as one kernel each.

As transformers writes them they are seven, two times a layer: on a card where a step is
replayed, the small kernels between the products are what it takes longer for than its bytes.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from engine.packed.model import NORMS


class FusedNorm(nn.Module):
    """``x / sqrt(mean(x^2) + eps) * weight`` over the last dimension, rounded once."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.weight, self.variance_epsilon = norm.weight, norm.variance_epsilon

    def forward(self, hidden: Tensor) -> Tensor:
        """Normalise the last dimension of ``hidden``."""
        return F.rms_norm(hidden, self.weight.shape, self.weight, self.variance_epsilon)


def fuse_norms(module: nn.Module) -> nn.Module:
    """Swap those that are known in ``module``, in place; subclasses are not."""
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if type(child) in NORMS:
                setattr(parent, name, FusedNorm(child))
    return module
