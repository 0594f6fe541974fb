"""What a target makes of its output layer's products before they are its logits.

Some scale them (Granite, Cohere, MiniCPM3), some bend them to a cap (Gemma 2 and 3, NanoChat):
``cap * tanh(logits / cap)``, after Bello et al., 2016 (arXiv 1611.09940, appendix A).  Heads
that share the output layer speak as the target does only with the same.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig

_FACTORS = ("logit_scale", "output_multiplier", "lm_head_multiplier")
_DIVISOR = "logits_scaling"
_MULTIPLIES = {"hyperclovax"}  # by what its kin divide by
_CAP = "final_logit_softcapping"


class LogitShape(NamedTuple):
    """Products are scaled, then capped."""

    scale: float = 1.0
    cap: float | None = None

    def __call__(self, products: Tensor) -> Tensor:
        """The logits, of the same shape."""
        logits = products if self.scale == 1.0 else products * self.scale
        return logits if self.cap is None else torch.tanh(logits / self.cap) * self.cap


PLAIN = LogitShape()


def logit_shape(config: PretrainedConfig) -> LogitShape:
    """Of a target, as its config names it."""
    told = config.get_text_config()
    scale = 1.0
    for name in _FACTORS:
        scale *= getattr(told, name, None) or 1.0
    if divisor := getattr(told, _DIVISOR, None):
        scale *= divisor if told.model_type in _MULTIPLIES else 1 / divisor
    return LogitShape(scale, getattr(told, _CAP, None) or None)


class ShapedHead(nn.Module):
    """An output layer whose products are shaped."""

    def __init__(self, rows: nn.Module, shape: LogitShape) -> None:
        super().__init__()
        self.rows, self.shape = rows, shape

    def forward(self, states: Tensor) -> Tensor:
        """Logits [..., Vd] of states [..., H]."""
        return self.shape(self.rows(states))


def shaped_head(rows: nn.Module, config: PretrainedConfig) -> nn.Module:
    """From last states to the logits of a target of ``config``.

    Args:
        rows: its output layer, or some rows of that.
    """
    shape = logit_shape(config)
    return rows if shape == PLAIN else ShapedHead(rows, shape)
