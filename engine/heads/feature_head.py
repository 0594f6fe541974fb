"""What EAGLE's heads have in common: one layer that goes from feature to feature.

A *feature* is a hidden state that the head reads and predicts.  Row t of a head pairs the
feature at t with the token at t + 1, stands at position t, and predicts the feature at t + 1,
whose law is that of token t + 2.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from engine.attention.tree_attention import TreeSlots
from engine.cache import SlotCache
from engine.heads.decoder_layer import DecoderLayer, Past

# Projections of a layer that may have a bias.
BIASED = (
    *(f"self_attn.{name}_proj" for name in "qkvo"),
    *(f"mlp.{name}_proj" for name in ("gate", "up", "down")),
)


class FeatureHead(nn.Module, ABC):
    """A head over features and words, whose weights have their published names.

    A kind of head says how it reads the target and what its layer is given; the pass and the
    unrolling for training are the same for all.

    Args:
        config: of the layer and of its words.
        keys: the optional weights that this head has, by their names.

    Attributes:
        embed_tokens: the head's own embeddings [V, H]; ``None`` where the target's are read.
        lm_head: the head's own [Vd, H]; ``None`` where the target's is asked.
        target_size: Ht, hidden size of the target that it was made for.
        num_states: S, hidden states of the target that it fuses.
    """

    embed_tokens: nn.Embedding | None
    lm_head: nn.Linear | None
    target_size: int
    num_states: int = 1

    def __init__(self, config: LlamaConfig, keys: frozenset[str]) -> None:
        super().__init__()
        self.config, self.keys = config, keys
        self.rotary = LlamaRotaryEmbedding(config)

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.rotary.inv_freq.device

    @property
    def dtype(self) -> torch.dtype:
        """Of what it computes with."""
        return self.layer.post_attention_layernorm.weight.dtype

    @property
    @abstractmethod
    def layer(self) -> DecoderLayer:
        """The one layer."""

    @property
    @abstractmethod
    def draft_ids(self) -> Tensor | None:
        """[Vd] the target's id of every row of the head's law; ``None`` where they are the same."""

    @abstractmethod
    def tapped(self, layers: int) -> tuple[int, ...]:
        """Which of the target's hidden states are read, of a target with ``layers`` layers.

        Numbered as transformers' ``hidden_states``: 0 are the embeddings, ``layers`` comes after
        the final norm.
        """

    @abstractmethod
    def fuse(self, states: Tensor) -> Tensor:
        """The target's features [..., H] from the tapped states, side by side [..., S * Ht]."""

    @abstractmethod
    def to_head(self, features: Tensor) -> Tensor:
        """What the language head is asked about, [..., H]."""

    def finish(self, hidden: Tensor) -> Tensor:
        """The predicted feature [..., H] of the layer's output: the output itself."""
        return hidden

    @abstractmethod
    def inputs(self, features: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """What the attention reads [B, N, ·] and what is added to [B, N, H]."""

    def forward(
        self,
        features: Tensor,
        words: Tensor,
        positions: Tensor,
        mask: Tensor | None = None,
        cache: SlotCache | None = None,
        tree: TreeSlots | None = None,
    ) -> Tensor:
        """Predict the next features [B, N, H] from features and words [B, N, H].

        Args:
            words: embeddings of the tokens that follow the features.
            positions: [B, N] of the features.
            mask: [B, 1, N, T] additive over the cache and the rows; ``None`` is causal.
            cache: takes the layer's keys and values.
            tree: says what the rows see where the layer attends by trees.
        """
        inputs, residual = self.inputs(features, words)
        angles = self.rotary(residual, positions)
        return self.finish(self.layer(inputs, residual, angles, mask, cache, tree))

    def unroll(self, features: Tensor, words: Tensor, steps: int) -> Iterator[Tensor]:
        """For training: predicted features [B, T, H], step by step, each fed to the next.

        At step i, row t has read the true features up to t and its own i predictions; it
        predicts feature t + 1 + i, whose law is that of token t + 2 + i.  Rows behind the end
        of a text may hold anything: none before them looks there.

        Args:
            features: [B, T, H] of the target (``fuse``), from the text's beginning.
            words: [B, T + steps - 1, H]; row t embeds the token that follows feature t.
        """
        rows = features.shape[1]
        past: Past = []
        for step in range(steps):
            inputs, residual = self.inputs(features, words[:, step : step + rows])
            positions = torch.arange(step, step + rows, device=features.device)[None]
            angles = self.rotary(residual, positions)
            features = self.finish(self.layer.unroll(inputs, residual, angles, past))
            yield features


def biased(keys: frozenset[str], prefix: str) -> frozenset[str]:
    """Names of the layer's projections that have a bias among ``keys``."""
    return frozenset(n.rsplit(".")[-1] for n in BIASED if f"{prefix}{n}.bias" in keys)
