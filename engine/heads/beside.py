"""Heads moved to where their target is."""

import torch
from torch import nn
from transformers import PreTrainedModel

from engine.attention.kernel_choice import use_kernels_in
from engine.device.fuse import fuse


def move_beside(head: nn.Module, target: PreTrainedModel, *, fused: bool = True) -> None:
    """Give ``head`` the target's device, dtype and way to attend, evaluated only.

    Rotary frequencies keep theirs, as a model's do when it is loaded: in bf16 an angle is off by
    radians a few thousand tokens on.

    Args:
        fused: on a card, with modules of fewer kernels.
    """
    kept = {
        name: buffer
        for name, buffer in head.named_buffers()
        if name.endswith("inv_freq") and buffer.dtype == torch.float32
    }
    head.to(device=target.device, dtype=target.dtype).eval().requires_grad_(False)
    for name, buffer in kept.items():
        if target.dtype != torch.float64:
            place, _, own = name.rpartition(".")
            setattr(head.get_submodule(place), own, buffer.to(target.device))
    use_kernels_in(head, target)
    if fused and target.device.type == "cuda":
        fuse(head)
