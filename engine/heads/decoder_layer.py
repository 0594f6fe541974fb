"""One Llama layer as EAGLE's heads have it: norms that may be missing, an input that may be wider.

Or one of Qwen3, which norms every head's queries and keys before they are rotated.

It knows attention and its cache, and nothing of features, words or trees.  It is read in two
ways: over the rows of a slot cache while drafting, and, while training, in *unrolled* steps
(EAGLE-3's training-time test, arXiv 2503.01840, section 3.2; HASS, arXiv 2408.15766): at step i
row t has seen the true rows up to t and its own rows of the steps before.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import (
    LlamaAttention,
    LlamaMLP,
    LlamaRMSNorm,
    apply_rotary_pos_emb,
)
from transformers.models.qwen3.modeling_qwen3 import Qwen3Attention

from engine.attention.tree_attention import TreeSlots
from engine.cache import SlotCache

Angles = tuple[Tensor, Tensor]  # cosines and sines, [B, N, D] each
Past = list[tuple[Tensor, Tensor]]  # keys and values [B, H, T, D] of the unrolled steps so far


class DecoderLayer(nn.Module):
    """Attention and feed-forward block around a residual stream of ``hidden_size``.

    Args:
        config: of the layer: heads, sizes, activation, epsilon.
        width: of the attention's input, in units of ``hidden_size``.
        biased: the projections with a bias, of ``q_proj``, ``k_proj``, ``v_proj``, ``o_proj``,
            ``gate_proj``, ``up_proj`` and ``down_proj``.
        is_head_normed: the attention is Qwen3's.
    """

    def __init__(
        self,
        config: LlamaConfig,
        width: int = 1,
        biased: frozenset[str] = frozenset(),
        is_head_normed: bool = False,
    ) -> None:
        super().__init__()
        size, attention = config.hidden_size, Qwen3Attention if is_head_normed else LlamaAttention
        self.self_attn, self.mlp = attention(config, 0), LlamaMLP(config)
        for block, names in ((self.self_attn, "qkvo"), (self.mlp, ("gate", "up", "down"))):
            for name in (f"{short}_proj" for short in names):
                old = getattr(block, name)
                inputs = width * size if name[0] in "qkv" else old.in_features
                setattr(block, name, nn.Linear(inputs, old.out_features, name in biased))
        self.post_attention_layernorm = norm(config, size)

    def forward(
        self,
        inputs: Tensor,
        residual: Tensor,
        angles: Angles,
        mask: Tensor | None = None,
        cache: SlotCache | None = None,
        tree: TreeSlots | None = None,
    ) -> Tensor:
        """Read rows; returns their residual stream [B, N, H].

        Args:
            inputs: [B, N, width * H] of the attention.
            residual: [B, N, H] what attention and feed-forward block add to.
            mask: [B, 1, N, T] additive; ``None`` is causal.
        """
        attended, _ = self.self_attn(
            inputs,
            position_embeddings=angles,
            attention_mask=mask,
            past_key_values=cache,
            tree=tree,
        )
        return self._finish(attended, residual)

    def unroll(self, inputs: Tensor, residual: Tensor, angles: Angles, past: Past) -> Tensor:
        """Read all T rows of one unrolled step and append its keys and values to ``past``."""
        attention = self.self_attn
        shape = (*inputs.shape[:2], -1, attention.head_dim)
        projections = (attention.q_proj, attention.k_proj, attention.v_proj)
        query, key, value = (each(inputs).view(shape) for each in projections)
        if isinstance(attention, Qwen3Attention):
            query, key = attention.q_norm(query), attention.k_norm(key)
        query, key, value = (each.transpose(1, 2) for each in (query, key, value))
        query, key = apply_rotary_pos_emb(query, key, *angles)
        past.append((key, value))
        attended = _attend(query, past, attention.scaling).transpose(1, 2).flatten(2)
        return self._finish(attention.o_proj(attended), residual)

    def _finish(self, attended: Tensor, residual: Tensor) -> Tensor:
        hidden = residual + attended
        return hidden + self.mlp(self.post_attention_layernorm(hidden))


def norm(config: LlamaConfig, size: int) -> LlamaRMSNorm:
    """A root-mean-square norm over ``size`` entries with the layer's epsilon."""
    return LlamaRMSNorm(size, config.rms_norm_eps)


def _attend(query: Tensor, past: Past, scaling: float) -> Tensor:
    """Attend from [B, H, T, D] to the first step's rows up to t, and to t's own of later steps."""
    first_keys, first_values = past[0]
    if len(past) == 1:
        return F.scaled_dot_product_attention(
            query, first_keys, first_values, is_causal=True, scale=scaling, enable_gqa=True
        )
    batch, heads, rows, size = query.shape
    query = query.view(batch, first_keys.shape[1], -1, rows, size) * scaling  # by group
    later = torch.ones(rows, rows, dtype=torch.bool, device=query.device).triu(1)
    scores = (query @ first_keys[:, :, None].mT).masked_fill(later, -torch.inf)
    own = torch.stack([(query * key[:, :, None]).sum(-1) for key, _ in past[1:]], -1)
    weights = torch.cat([scores, own], -1).softmax(-1, dtype=torch.float32).to(query.dtype)
    attended = weights[..., :rows] @ first_values[:, :, None]
    for step, (_, value) in enumerate(past[1:]):
        attended = attended + weights[..., rows + step, None] * value[:, :, None]
    return attended.reshape(batch, heads, rows, size)
