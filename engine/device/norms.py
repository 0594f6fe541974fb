"""Root-mean-square norms as one kernel each; as transformers writes them they are eight."""

import torch.nn.functional as F
from torch import Tensor, nn


class FusedNorm(nn.Module):
    """``x / sqrt(mean(x^2) + eps) * weight`` over the last dimension, rounded once."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.weight, self.variance_epsilon = norm.weight, norm.variance_epsilon

    def forward(self, hidden: Tensor) -> Tensor:
        """Normalise the last dimension of ``hidden``."""
        return F.rms_norm(hidden, self.weight.shape, self.weight, self.variance_epsilon)
