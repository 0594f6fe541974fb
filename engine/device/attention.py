"""A layer's attention in passes that the device is told of: few kernels between its products.

As transformers writes it, there is one product each for queries, keys and values, five kernels
to rotate the queries and five for the keys, and one each to write keys and values.  Here it is
one product and one launch.
"""

import torch
from torch import Tensor, nn
from transformers import Cache
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaAttention

from engine.device.cache import StaticCache
from engine.device.joined import Joined
from engine.llama_kin import projections
from kernels.rotary_write import rotary_write


class FusedAttention(nn.Module):
    """``attention`` itself but where a pass writes to slots that the device names."""

    def __init__(self, attention: LlamaAttention) -> None:
        super().__init__()
        self.attention = attention
        self.qkv = Joined(*projections(attention)[:3])
        norms, self.eps = _head_norms(attention)
        self.register_buffer("norms", norms, persistent=False)

    def forward(
        self,
        hidden_states: Tensor,
        position_embeddings: tuple[Tensor, Tensor],
        attention_mask: Tensor | None = None,
        past_key_values: Cache | None = None,
        **options: object,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend from every row; arguments as of ``attention``, [1, N, size] where it is fused."""
        own = self.attention
        if not isinstance(past_key_values, StaticCache) or not past_key_values.is_told:
            return own(
                hidden_states,
                position_embeddings=position_embeddings,
                attention_mask=attention_mask,
                past_key_values=past_key_values,
                **options,
            )
        rows = hidden_states[0]
        heads = self.qkv(rows).view(len(rows), -1, own.head_dim)
        cos, sin = (angles[0] for angles in position_embeddings)
        keys, values = past_key_values.slots[own.layer_idx]  # [1, H, capacity, D] each
        told = (keys[0], values[0], past_key_values.rows, self.norms, self.eps)
        queries = rotary_write(heads, cos, sin, *told)
        attend = ALL_ATTENTION_FUNCTIONS.get_interface(
            own.config._attn_implementation, sdpa_attention_forward
        )
        queries = queries.transpose(0, 1)[None]  # [1, H, N, D]
        attended, _ = attend(
            own, queries, keys, values, attention_mask, scaling=own.scaling, **options
        )
        return own.o_proj(attended.reshape(1, len(rows), -1)), None


def _head_norms(attention: LlamaAttention) -> tuple[Tensor | None, float]:
    """[2, D] weights of the norms of query and key heads, and their epsilon (Qwen3)."""
    if not hasattr(attention, "q_norm"):
        return None, 0.0
    norms = attention.q_norm, attention.k_norm
    weights = torch.stack([norm.weight.detach() for norm in norms])
    return weights, norms[0].variance_epsilon
