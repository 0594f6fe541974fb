"""Hydra's heads (Ankner et al., 2024, arXiv 2402.05109): each guess knows the ones before it.

Head i reads the target's state at t and the embeddings of the tokens t + 1 ... t + 1 + i, the
last i of which are the draft's own, and guesses the token at t + 2 + i:

    p_i(x_{t+2+i}) = softmax(H MLP_i([h_t, E(x_{t+1}), ..., E(x_{t+1+i})]))

Hydra++ is the same with more layers, and with h_t replaced by what a prefix layer makes of it.
Heads that are not *grounded* read the state alone, as Medusa's do.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import LlamaConfig

from engine.heads.prefix_layer import PrefixLayer
from engine.heads.res_block import ResBlock


class HydraHeads(nn.Module):
    """K heads of L residual blocks, with the published names of their weights.

    Args:
        size: H of the target.
        num_heads: K.
        num_layers: L.
        grounded: whether heads read the tokens before their own.
        prefix: of the prefix layer; ``None`` for none.
        vocab: rows of the heads' own output layers; ``None`` shares the target's.
        own_words: whether the heads have embeddings [vocab, H] of their own.
        draft_vocab: Vd, where only so many of the target's tokens are guessed.
        offset: the target's state that is read: 0 is the last, n the n-th before it.
        dropout: before every block and output layer, while training.
    """

    token_map: Tensor | None  # [Vd] the target's id of each guessed token

    def __init__(
        self,
        size: int,
        num_heads: int = 4,
        num_layers: int = 1,
        *,
        grounded: bool = True,
        prefix: LlamaConfig | None = None,
        vocab: int | None = None,
        own_words: int | None = None,
        draft_vocab: int | None = None,
        offset: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.size, self.num_heads, self.num_layers = size, num_heads, num_layers
        self.grounded, self.vocab, self.offset, self.dropout = grounded, vocab, offset, dropout
        self.prefix_embeding_layer = None if prefix is None else PrefixLayer(prefix)  # sic
        self.hydra_mlp = nn.ModuleList(
            nn.ModuleList(
                ResBlock(size * (head + 2 if grounded and layer == 0 else 1), size)
                for layer in range(num_layers)
            )
            for head in range(num_heads)
        )
        own = range(num_heads if vocab is not None else 0)
        self.hydra_lm_head = nn.ModuleList(nn.Linear(size, vocab or 0) for _ in own)
        self.input_embed_fn = None if own_words is None else nn.Embedding(own_words, size)
        ids = None if draft_vocab is None else torch.arange(draft_vocab)
        self.register_buffer("token_map", ids)

    @property
    def prefix(self) -> PrefixLayer | None:
        """The layer that makes it Hydra++."""
        return self.prefix_embeding_layer

    def forward(self, states: Tensor, words: Tensor) -> Tensor:
        """For training, with the text's own tokens as the draft: [B, T, K, H] for ``logits``.

        Args:
            states: [B, T, H] of the target, from the text's beginning.
            words: [B, T + K - 1, H]; row t embeds the token that follows state t.  Rows behind
                the end of a text may hold anything: none before them looks there.
        """
        rows = states.shape[1]
        read = states if self.prefix is None else self.prefix(states)
        found = []
        for head in range(self.num_heads):
            if self.grounded:
                read = torch.cat([read, words[:, head : head + rows]], -1)
            found.append(self.guess(head, read))
        return torch.stack(found, -2)

    def guess(self, head: int, read: Tensor) -> Tensor:
        """What head ``head``'s output layer is asked about, [..., H].

        Args:
            read: [..., (head + 2) * H] state and words side by side; the state alone, [..., H],
                where the heads are not grounded.
        """
        for block in self.hydra_mlp[head]:
            read = block(self._thin(read))
        return self._thin(read)

    def logits(self, head: int, hidden: Tensor, lm_head: nn.Module) -> Tensor:
        """Logits [..., V] of what ``guess`` gave; ``lm_head`` is the shared output layer."""
        return lm_head(hidden) if self.vocab is None else self.hydra_lm_head[head](hidden)

    def _thin(self, rows: Tensor) -> Tensor:
        return F.dropout(rows, self.dropout, self.training) if self.dropout else rows
