"""CPU: a layer's attention over packed weights, equal to transformers' for the Llama kin."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import Cache
from transformers.models.llama import modeling_llama as llama
from transformers.models.qwen3 import modeling_qwen3 as qwen3

from engine.attention.mass_probe import MassProbe
from engine.llama_kin import projections
from engine.packed.linear import PackedLinear


class PackedAttention(nn.Module):
    """Grouped attention that never repeats keys and values, over one product for q, k and v."""

    def __init__(self, attention: llama.LlamaAttention, halve: bool) -> None:
        super().__init__()
        q, k, v, o = projections(attention)
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
