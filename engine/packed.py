"""CPU: a causal model's modules swapped, in place and by type, for fast equal ones.

What is not known here, or not in fp32 on a CPU, is left alone.  A packed model answers as the
original does (``generate`` and output capturing included), but it cannot be trained, moved or
saved: its weights live in the layouts of the matrix libraries.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import Cache, PreTrainedModel
from transformers.models.llama import modeling_llama as llama
from transformers.models.mistral import modeling_mistral as mistral
from transformers.models.qwen2 import modeling_qwen2 as qwen2
from transformers.models.qwen3 import modeling_qwen3 as qwen3

from engine.half_or_full import half_pays
from engine.mass_probe import MassProbe
from engine.packed_linear import PackedLinear, can_pack, is_plain_cpu

_MODELS = (
    llama.LlamaForCausalLM,
    mistral.MistralForCausalLM,
    qwen2.Qwen2ForCausalLM,
    qwen3.Qwen3ForCausalLM,
)
_ATTENTIONS = (
    llama.LlamaAttention,
    mistral.MistralAttention,
    qwen2.Qwen2Attention,
    qwen3.Qwen3Attention,
)
_MLPS = (llama.LlamaMLP, mistral.MistralMLP, qwen2.Qwen2MLP, qwen3.Qwen3MLP)
_NORMS = (
    llama.LlamaRMSNorm,
    mistral.MistralRMSNorm,
    qwen2.Qwen2RMSNorm,
    qwen3.Qwen3RMSNorm,
)


def pack(model: PreTrainedModel, *, halve: bool | None = None) -> int:
    """Swap what is known in ``model`` for fast equal modules; return how many were swapped.

    Args:
        model: a causal model, evaluated only; gradients are switched off where it was packed.
        halve: keep weights in half the bytes where that loses nothing (see ``PackedLinear``);
            ``None`` does where this CPU is no slower for it.
    """
    halve = half_pays() if halve is None else halve
    swapped = _swap_children(model, halve)
    head = model.get_output_embeddings()
    if type(model) in _MODELS and can_pack(head):
        model.set_output_embeddings(PackedLinear(head, halve=halve))
        swapped += 1
    if swapped:
        model.requires_grad_(False)
    return swapped


def pack_parts(module: nn.Module, *, halve: bool | None = None) -> int:
    """As ``pack``, for what is no whole model: its plain linear layers are swapped too."""
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
    if type(module) in _ATTENTIONS and can_pack(*_projections(module)):
        is_plain = module.config._attn_implementation in ("sdpa", "eager")
        return PackedAttention(module, halve) if is_plain else None
    if type(module) in _MLPS and can_pack(module.gate_proj, module.up_proj, module.down_proj):
        return PackedMLP(module, halve)
    if type(module) in _NORMS and is_plain_cpu(module.weight):
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


class PackedAttention(nn.Module):
    """Grouped attention that never repeats keys and values, over one product for q, k and v."""

    def __init__(self, attention: llama.LlamaAttention, halve: bool) -> None:
        super().__init__()
        q, k, v, o = _projections(attention)
        self.layer_idx, self.head_dim = attention.layer_idx, attention.head_dim
        self.scaling = attention.scaling
        self.num_queries, self.num_keys = (x.out_features // self.head_dim for x in (q, k))
        self.qkv = PackedLinear(q, k, v, halve=halve)
        self.out = PackedLinear(o, halve=halve)
        self.head_norm = _HeadNorm(attention, self) if hasattr(attention, "q_norm") else None

    def forward(
        self,
        hidden_states: Tensor,
        position_embeddings: tuple[Tensor, Tensor],
        attention_mask: Tensor | None = None,
        past_key_values: Cache | None = None,
        mass: MassProbe | None = None,
        **_: object,
    ) -> tuple[Tensor, None]:
        """Attend from every row to the cache and to the rows before it.

        Args:
            hidden_states: [B, N, size].
            position_embeddings: cosines and sines of the rows' positions, each [B, N, D].
            attention_mask: [B, 1, N, T], additive or boolean; ``None`` is causal.
            past_key_values: takes the rows' keys and values and returns all T of them.
            mass: asks one layer how much of its attention the rows get.
        """
        batch, rows, _size = hidden_states.shape
        heads = self.qkv(hidden_states).view(batch, rows, -1, self.head_dim)
        heads, values = heads.split((self.num_queries + self.num_keys, self.num_keys), dim=2)
        if self.head_norm is not None:
            heads = self.head_norm(heads)
        heads = _rotate(heads, *position_embeddings).transpose(1, 2)  # [B, H, N, D]
        queries, keys = heads.split((self.num_queries, self.num_keys), dim=1)
        values = values.transpose(1, 2)
        if past_key_values is not None:
            keys, values = past_key_values.update(keys, values, self.layer_idx)
        if mass is not None and mass.layer == self.layer_idx:
            seen = None if attention_mask is None else attention_mask[0, 0]
            mass.weigh(queries[0], keys[0], seen, self.scaling)
        is_causal = attention_mask is None and rows > 1
        assert not is_causal or keys.shape[2] == rows, "a cached prefix needs a mask"
        attended = F.scaled_dot_product_attention(
            queries,
            keys,
            values,
            attn_mask=attention_mask,
            is_causal=is_causal,
            scale=self.scaling,
            enable_gqa=True,
        )
        return self.out(attended.transpose(1, 2).reshape(batch, rows, -1)), None


class _HeadNorm(nn.Module):
    """Qwen3's norms of query and key heads, all heads at once."""

    def __init__(self, attention: qwen3.Qwen3Attention, packed: PackedAttention) -> None:
        super().__init__()
        q_norm, k_norm = attention.q_norm, attention.k_norm
        counts = (packed.num_queries, packed.num_keys)
        weights = [
            x.weight.detach().expand(n, -1) for x, n in zip((q_norm, k_norm), counts, strict=True)
        ]
        self.register_buffer("weight", torch.cat(weights), persistent=False)  # [H, D]
        self.eps = q_norm.variance_epsilon

    def forward(self, heads: Tensor) -> Tensor:
        """Normalise ``heads`` [B, N, H, D] head by head."""
        return F.rms_norm(heads, heads.shape[-1:], None, self.eps).mul_(self.weight)


def _rotate(heads: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate ``heads`` [B, N, H, D] by the angles of ``cos`` and ``sin`` [B, N, D].

    Both halves of the last dimension have the same angles (RoFormer, arXiv 2104.09864, in the
    layout of GPT-NeoX).  No concatenation: at hundreds of rows that costs more than the rest.
    """
    sin = sin[..., None, : sin.shape[-1] // 2]
    left, right = heads.chunk(2, dim=-1)
    rotated = heads * cos.unsqueeze(2)
    new_left, new_right = rotated.chunk(2, dim=-1)
    new_left.addcmul_(right, sin, value=-1)
    new_right.addcmul_(left, sin)
    return rotated


def _projections(attention: llama.LlamaAttention) -> tuple[nn.Linear, ...]:
    return attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj
