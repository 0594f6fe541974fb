"""The distance of a drafter's law from the target's as a function of states, and its gradient.

The logits of a batch are tens of megabytes that each operation reads and writes anew.  Here
every few rows' logits are made, judged and differentiated while they are in the cache, and only
the gradients stay: the backward pass has nothing left to do but scale them.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx

from engine.heads.logit_shape import PLAIN, LogitShape
from train.loss import Slice, distillation_loss

ROWS = 128  # logits of so many rows over 8,192 tokens are 4 MiB


def distil(
    states: Tensor,
    head: Tensor,
    top_ids: Tensor,
    top_probs: Tensor,
    part: Slice,
    hard: float,
    shape: LogitShape = PLAIN,
) -> Tensor:
    """``distillation_loss`` of the logits that ``head`` makes of ``states``.

    Args:
        states: [N, H]; their products are made in the head's dtype, all else in fp32.
        head: [S, H] rows of the output layer, those of ``part.ids``.
        shape: what makes logits of its products.
    """
    with torch.autocast(states.device.type, enabled=False):
        return _Distil.apply(states.to(head.dtype), head, top_ids, top_probs, part, hard, shape)


class _Distil(torch.autograd.Function):
    """Makes the gradients on the way forward."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        states: Tensor,
        head: Tensor,
        top_ids: Tensor,
        top_probs: Tensor,
        part: Slice,
        hard: float,
        shape: LogitShape,
    ) -> Tensor:
        """The mean over all rows."""
        learns = head.requires_grad
        by_state = torch.empty_like(states)
        by_head = torch.zeros_like(head, dtype=torch.float32) if learns else None
        total = states.new_zeros((), dtype=torch.float32)
        for start in range(0, len(states), ROWS):
            span = slice(start, start + ROWS)
            inputs = [states[span].detach().requires_grad_()]
            inputs += [head.detach().requires_grad_()] if learns else []
            with torch.enable_grad():
                logits = shape(F.linear(inputs[0], inputs[1] if learns else head).float())
                lacks = distillation_loss(logits, top_ids[span], top_probs[span], part, hard)
                share = lacks * (len(inputs[0]) / len(states))
            found = torch.autograd.grad(share, inputs)
            total, by_state[span] = total + share.detach(), found[0]
            if by_head is not None:
                by_head += found[1]
        ctx.save_for_backward(by_state, *([] if by_head is None else [by_head.to(head.dtype)]))
        return total

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor | None, ...]:
        """The same gradients, scaled."""
        by_state, *by_head = (found * scale.to(found.dtype) for found in ctx.saved_tensors)
        return by_state, by_head[0] if by_head else None, None, None, None, None, None
