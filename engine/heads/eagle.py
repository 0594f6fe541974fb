"""EAGLE's head (Li et al., 2024, arXiv 2401.15077; EAGLE-2, arXiv 2406.16858, has the same file).

Its feature is the target's last hidden state, after the final norm.  With E the embedding and H
the head of the target:

    f_{t+1} = Layer(W [E(x_{t+1}), f_t] + b),        p(x_{t+2}) = softmax(H f_{t+1})

The layer has no norm before its attention and none behind its feed-forward block.
"""

import torch
from torch import Tensor, nn
from transformers import LlamaConfig

from engine.heads.decoder_layer import DecoderLayer, norm
from engine.heads.feature_head import BIASED, FeatureHead, biased

LAYER = "layers.0."
NORMS = ("embedding_layernorm", "hidden_states_layernorm")  # HASS: before fc
OPTIONAL = frozenset(
    {
        "fc.bias",
        "embed_tokens.weight",
        "lm_head.weight",
        "token_map",  # [Vd] target ids of the rows of lm_head
        *(f"{name}.weight" for name in NORMS),
        *(f"{LAYER}{name}.bias" for name in BIASED),
    }
)


class EagleHead(FeatureHead):
    """One layer over the target's last states.

    Args:
        config: of the layer; ``hidden_size`` is the target's.
        keys: those of ``OPTIONAL`` that the head has.
        draft_vocab: rows of ``lm_head`` where it is the head's own and shorter.
    """

    def __init__(
        self,
        config: LlamaConfig,
        keys: frozenset[str] = frozenset({"fc.bias"}),
        draft_vocab: int | None = None,
    ) -> None:
        super().__init__(config, keys)
        size, vocab = config.hidden_size, config.vocab_size
        self.target_size = size
        self.fc = nn.Linear(2 * size, size, bias="fc.bias" in keys)
        self.layers = nn.ModuleList([DecoderLayer(config, biased=biased(keys, LAYER))])
        for name in NORMS:
            setattr(self, name, norm(config, size) if f"{name}.weight" in keys else None)
        rows = draft_vocab or vocab
        self.embed_tokens = nn.Embedding(vocab, size) if "embed_tokens.weight" in keys else None
        self.lm_head = nn.Linear(size, rows, bias=False) if "lm_head.weight" in keys else None
        self.register_buffer("token_map", torch.arange(rows) if "token_map" in keys else None)

    @property
    def layer(self) -> DecoderLayer:
        """The one layer."""
        return self.layers[0]

    @property
    def draft_ids(self) -> Tensor | None:
        """[Vd] the target's id of every row of the head's law; ``None`` where they are the same."""
        return self.token_map

    def tapped(self, layers: int) -> tuple[int, ...]:
        """The last state alone."""
        return (layers,)

    def fuse(self, states: Tensor) -> Tensor:
        """The states [..., H] are the features."""
        return states

    def to_head(self, features: Tensor) -> Tensor:
        """The features are what the target's head reads."""
        return features

    def inputs(self, features: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """Word and feature through ``fc``: read, and added to, [B, N, H]."""
        if self.embedding_layernorm is not None:
            words = self.embedding_layernorm(words)
        if self.hidden_states_layernorm is not None:
            features = self.hidden_states_layernorm(features)
        joined = self.fc(torch.cat([words, features], -1))
        return joined, joined
