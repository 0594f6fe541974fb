"""A model's modules swapped, in place and by type, for equal ones of fewer kernels.

A step that is replayed reads every weight once; what it takes longer for than that are the small
kernels between the products, a microsecond or two each.  As transformers writes a Llama's layer
they are 41: 2 norms of 8 in half precision, 7 products, 10 to rotate, 2 to write, 2 to attend,
2 to gate, 2 to add.  Here 10 are left: 2 norms, one of which adds, 4 products, one of which adds,
1 to rotate and write, 2 to attend, 1 to gate.  What is not known is left alone.
"""

import torch
from torch import nn

from engine.device.attention import FusedAttention
from engine.device.joined import can_join
from engine.device.layer import fused_layer
from engine.device.mlp import FusedMLP
from engine.device.norms import FusedNorm
from engine.llama_kin import ATTENTIONS, MLPS, NORMS, projections


def fuse(module: nn.Module) -> nn.Module:
    """Swap what is known in ``module``, in place; subclasses are not.  Twice is as once.

    What was swapped is evaluated where it is: it cannot be trained, moved or saved any more, and
    nobody calls the modules whose work is part of another's now: hooks on them hear nothing.
    What there is no memory for stays as it was.
    """
    is_swapped = False
    for parent in list(module.modules()):
        if isinstance(parent, FusedAttention | FusedMLP):
            continue  # what it holds is the original
        for name, child in list(parent.named_children()):
            try:
                fused = _fused(child)
            except torch.OutOfMemoryError:
                continue
            if fused is not None:
                setattr(parent, name, fused)
                is_swapped = True
    return module.requires_grad_(False) if is_swapped else module


def _fused(module: nn.Module) -> nn.Module | None:
    """``module``'s equal, or ``None`` where there is none."""
    if type(module) in NORMS:
        return FusedNorm(module)
    if type(getattr(module, "post_attention_layernorm", None)) in NORMS:
        return fused_layer(module)
    if type(module) in ATTENTIONS and can_join(*projections(module)[:3]):
        return FusedAttention(module)
    if type(module) in MLPS and can_join(module.gate_proj, module.up_proj):
        return FusedMLP(module)
    return None
