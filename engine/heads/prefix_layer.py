"""Hydra++'s prefix layer: one more decoder layer over the target's last hidden states.

The heads then read a state that has looked at the whole text once more, instead of the bare
state of one token (Ankner et al., 2024, arXiv 2402.05109, section 4.2).  Row t stands at the
target's own position t; the layer has its own keys and values.
"""

import torch
from torch import Tensor, nn
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import (
    LlamaDecoderLayer,
    LlamaRMSNorm,
    LlamaRotaryEmbedding,
)

from engine.attention.tree_attention import TreeSlots
from engine.cache import SlotCache


class PrefixLayer(nn.Module):
    """A Llama of one layer that is given states instead of words."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList([LlamaDecoderLayer(config, 0)])
        self.norm = LlamaRMSNorm(config.hidden_size, config.rms_norm_eps)
        self.rotary_emb = LlamaRotaryEmbedding(config)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.rotary_emb.inv_freq.device

    @property
    def dtype(self) -> torch.dtype:
        """Of its weights."""
        return next(self.parameters(), self.rotary_emb.inv_freq).dtype  # packed: fp32

    def forward(
        self,
        states: Tensor,
        positions: Tensor | None = None,
        mask: Tensor | None = None,
        cache: SlotCache | None = None,
        tree: TreeSlots | None = None,
    ) -> Tensor:
        """Map the target's states [B, N, H] to as many that have seen those before them.

        Args:
            positions: [B, N]; ``None`` counts from 0.
            mask: [B, 1, N, T] additive over the cache and the rows; ``None`` is causal.
            cache: takes the layer's keys and values.
            tree: says what the rows see where the layer attends by trees.
        """
        if positions is None:
            positions = torch.arange(states.shape[1], device=states.device)[None]
        hidden = self.layers[0](
            states,
            attention_mask=mask,
            position_embeddings=self.rotary_emb(states, positions),
            past_key_values=cache,
            use_cache=cache is not None,
            tree=tree,
        )
        return self.norm(hidden)
