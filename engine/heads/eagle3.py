"""EAGLE-3's head (Li et al., 2025, arXiv 2503.01840).

Hidden states of the target, an early, a middle and a late one, are fused into one feature g; the
head's own law is over the most frequent tokens only, and it feeds on its own states a:

    a_{t+1} = Layer([norm(E(x_{t+1})), norm(g_t or a_t)]),     g_t = W [l_t, m_t, h_t]
    p(x_{t+2} = i + d2t[i]) = softmax(H norm(a_{t+1}))[i]

The attention reads 2 H entries a row; g (or a) itself is what the layer adds to.  Some heads
(speculators') fuse another number of states than the paper's three.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import LlamaConfig

from engine.heads.decoder_layer import DecoderLayer, norm
from engine.heads.feature_head import BIASED, FeatureHead, biased

LAYER = "midlayer."
NUM_STATES = 3  # the paper's
HEAD_NORMS = frozenset(f"{LAYER}self_attn.{name}_norm.weight" for name in "qk")  # of Qwen3's layer
OPTIONAL = frozenset(
    {
        "fc.bias",
        "embed_tokens.weight",
        "lm_head.weight",  # else the target's
        "d2t",  # [Vd] target id of row i, less i
        "t2d",  # [V] whether a token of the target is in the draft vocabulary
        "input_norm.weight",  # over all fused states at once; ``fused_norms``: one by one
        *HEAD_NORMS,
        *(f"{LAYER}{name}.bias" for name in BIASED),
    }
)


def fused_norms(states: int) -> frozenset[str]:
    """The optional weights of norms over so many states, one by one (EAGLE-3.1)."""
    return frozenset(f"fc_norm.{state}.weight" for state in range(states))


def usual_taps(layers: int) -> tuple[int, int, int]:
    """The paper's choice of hidden states, early, middle and late; of a shallow target the nearest.

    Training keeps the same ones.
    """
    return min(2, layers), layers // 2, max(layers - 3, 0)


class Eagle3Head(FeatureHead):
    """One layer over fused states of the target.

    Args:
        config: of the layer.
        keys: those of ``OPTIONAL`` and ``fused_norms`` that the head has.
        draft_vocab: Vd, rows of ``lm_head``.
        target_size: Ht, the target's hidden size, where it is not the head's.
        taps: numbers of the fused hidden states; ``None`` is the paper's choice of three.
        is_residual_normed: the layer adds to the normed feature (vLLM's
            ``norm_before_residual``).
        is_output_normed: the normed state is fed back, not the state (EAGLE-3.1's
            ``norm_output``).
    """

    def __init__(
        self,
        config: LlamaConfig,
        keys: frozenset[str] = frozenset({"lm_head.weight", "d2t", "t2d"}),
        draft_vocab: int | None = None,
        target_size: int | None = None,
        taps: Sequence[int] | None = None,
        is_residual_normed: bool = False,
        is_output_normed: bool = False,
    ) -> None:
        super().__init__(config, keys)
        size, vocab, told = config.hidden_size, config.vocab_size, target_size
        self.num_states = len(taps) if taps else NUM_STATES
        rows, inputs = draft_vocab or vocab, self.num_states * (told or size)
        self.draft_vocab, self.target_size, self.taps = rows, told or size, taps
        self.is_residual_normed, self.is_output_normed = is_residual_normed, is_output_normed
        self.input_norm = norm(config, inputs) if "input_norm.weight" in keys else None
        norms = self.num_states if keys >= fused_norms(self.num_states) else 0
        each = (norm(config, told or size) for _ in range(norms))
        self.fc_norm = nn.ModuleList(each) if norms else None
        self.fc = nn.Linear(inputs, size, bias="fc.bias" in keys)
        self.midlayer = DecoderLayer(config, 2, biased(keys, LAYER), keys >= HEAD_NORMS)
        self.midlayer.input_layernorm = norm(config, size)
        self.midlayer.hidden_norm = norm(config, size)
        self.norm = norm(config, size)
        self.embed_tokens = nn.Embedding(vocab, size) if "embed_tokens.weight" in keys else None
        self.lm_head = nn.Linear(size, rows, bias=False) if "lm_head.weight" in keys else None
        first = torch.arange(vocab) < rows
        self.register_buffer("d2t", torch.zeros(rows, dtype=torch.long) if "d2t" in keys else None)
        self.register_buffer("t2d", first if "t2d" in keys else None)

    @property
    def layer(self) -> DecoderLayer:
        """The one layer."""
        return self.midlayer

    @property
    def draft_ids(self) -> Tensor | None:
        """[Vd] the target's id of every row of the head's law; ``None`` where they are the same."""
        if self.d2t is None:
            return None
        return self.d2t + torch.arange(len(self.d2t), device=self.d2t.device)

    def choose(self, ids: Tensor) -> None:
        """Make ``ids`` [Vd], ascending, the draft vocabulary."""
        self.d2t.copy_(ids - torch.arange(len(ids), device=ids.device))
        self.t2d.zero_()[ids] = True

    def tapped(self, layers: int) -> tuple[int, ...]:
        """An early, a middle and a late state, or what the file names."""
        return tuple(self.taps or usual_taps(layers))

    def fuse(self, states: Tensor) -> Tensor:
        """Features [..., H] from the S states side by side [..., S * Ht]."""
        if self.input_norm is not None:
            states = self.input_norm(states)
        if self.fc_norm is not None:
            parts = zip(self.fc_norm, states.chunk(self.num_states, -1), strict=True)
            states = torch.cat([each(part) for each, part in parts], -1)
        return self.fc(states)

    def to_head(self, features: Tensor) -> Tensor:
        """The normed state."""
        return features if self.is_output_normed else self.norm(features)

    def finish(self, hidden: Tensor) -> Tensor:
        """What is fed back of the layer's output."""
        return self.norm(hidden) if self.is_output_normed else hidden

    def inputs(self, features: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """Normed word beside normed feature [B, N, 2 H]; the feature is added to."""
        normed = self.midlayer.hidden_norm(features)
        read = torch.cat([self.midlayer.input_layernorm(words), normed], -1)
        return read, normed if self.is_residual_normed else features
