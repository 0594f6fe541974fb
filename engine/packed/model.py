"""CPU: a causal model's modules swapped, in place and by type, for fast equal ones.

What is not known here, or not in fp32 on a CPU, is left alone.  A packed model answers as the
original does (``generate`` and output capturing included), but it cannot be trained, moved or
saved: its weights live in the layouts of the matrix libraries.
"""

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.models.llama import modeling_llama as llama

from engine.llama_kin import ATTENTIONS, MLPS, MODELS, NORMS, projections
from engine.packed.attention import PackedAttention
from engine.packed.half_or_full import half_pays
from engine.packed.linear import PackedLinear, can_pack, is_plain_cpu


def pack(model: PreTrainedModel, *, halve: bool | None = None) -> int:
    """Swap what is known in ``model`` for fast equal modules; return how many were swapped.

    Args:
        model: a causal model, evaluated only; gradients are switched off where it was packed.
        halve: keep weights in half the bytes where that loses nothing (see ``PackedLinear``);
            ``None`` does where this CPU is no slower for it.
    """
    if not _is_at_home(model):
        return 0
    halve = half_pays() if halve is None else halve
    swapped = _swap_children(model, halve)
    head = model.get_output_embeddings()
    if type(model) in MODELS and can_pack(head):
        model.set_output_embeddings(PackedLinear(head, halve=halve))
        swapped += 1
    if swapped:
        model.requires_grad_(False)
    return swapped


def pack_parts(module: nn.Module, *, halve: bool | None = None) -> int:
    """As ``pack``, for what is no whole model: its plain linear layers are swapped too."""
    if not _is_at_home(module):
        return 0
    halve = half_pays() if halve is None else halve
    swapped = _swap_children(module, halve)
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if can_pack(child):
                setattr(parent, name, PackedLinear(child, halve=halve))
                swapped += 1
    if swapped:
        module.requires_grad_(False)
    return swapped


def _is_at_home(module: nn.Module) -> bool:
    """Whether any of it is what can be packed at all: else there is nothing to try out first."""
    return any(is_plain_cpu(parameter) for parameter in module.parameters())


def _swap_children(parent: nn.Module, halve: bool) -> int:
    """Swap below ``parent`` what is known; do not look inside what was swapped."""
    swapped = 0
    for name, child in list(parent.named_children()):
        packed = _packed(child, halve)
        if packed is None:
            swapped += _swap_children(child, halve)
        else:
            setattr(parent, name, packed)
            swapped += 1
    return swapped


def _packed(module: nn.Module, halve: bool) -> nn.Module | None:
    """``module``'s fast equal, or ``None`` where there is none.  Subclasses are not known."""
    if type(module) in ATTENTIONS and can_pack(*projections(module)):
        is_plain = module.config._attn_implementation in ("sdpa", "eager")
        return PackedAttention(module, halve) if is_plain else None
    if type(module) in MLPS and can_pack(module.gate_proj, module.up_proj, module.down_proj):
        return PackedMLP(module, halve)
    if type(module) in NORMS and is_plain_cpu(module.weight):
        return PackedNorm(module)
    return None


class PackedNorm(nn.Module):
    """Root-mean-square normalisation: ``sqrt(mean(x^2) + eps)`` as the hypotenuse of two lengths.

    With size the last dimension, it is ``hypot(|x|, sqrt(size * eps)) / sqrt(size)``: three
    calls, half the time of the five inside ``F.rms_norm``.
    """

    def __init__(self, norm: llama.LlamaRMSNorm) -> None:
        super().__init__()
        weight, eps = norm.weight.detach(), norm.variance_epsilon
        size = len(weight)
        self.register_buffer("weight", weight * size**0.5, persistent=False)
        self.register_buffer("floor", torch.tensor((size * eps) ** 0.5), persistent=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """Normalise the last dimension of ``hidden``."""
        length = torch.linalg.vector_norm(hidden, dim=-1, keepdim=True)
        return hidden.div(torch.hypot(length, self.floor)).mul_(self.weight)


class PackedMLP(nn.Module):
    """The gated feed-forward block with gate and up as one product."""

    def __init__(self, mlp: llama.LlamaMLP, halve: bool) -> None:
        super().__init__()
        self.gate_up = PackedLinear(mlp.gate_proj, mlp.up_proj, halve=halve)
        self.down = PackedLinear(mlp.down_proj, halve=halve)
        self.activation = mlp.act_fn

    def forward(self, hidden: Tensor) -> Tensor:
        """Map ``hidden`` [B, N, size] to the same shape."""
        gate, up = self.gate_up(hidden).chunk(2, dim=-1)
        return self.down(self.activation(gate).mul_(up))
