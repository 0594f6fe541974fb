"""Medusa's heads (Cai et al., 2024, arXiv 2401.10774): K independent guesses from one state.

Head i reads the target's last hidden state at t (after the final norm) and guesses the token at
t + 2 + i; the token at t + 1 is the target's own.  The published file is the state dict of this
very module list: ``{i}.{l}.linear.weight`` of the blocks and, where the heads have vocabularies
of their own, ``{i}.{L}.weight``.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.heads.checkpoint import HeadError, HeadFile, write_heads
from engine.heads.layout import count, filled, names_in, renamed, rows_of
from engine.heads.res_block import ResBlock

STEMS = ("medusa_lm_head", "model", "pytorch_model")
MAX_HEADS, MAX_LAYERS = 16, 16
TOKEN_MAP = "token_map"
SHARED = "original_lm_head"  # of vLLM's config: one output layer, the target's own, for all heads
_WHOLE = "medusa_head."  # before the heads' keys where Medusa-2 keeps them beside the target's
_VARIANTS = (
    (r"medusa_heads?\.", ""),
    (r"blocks\.(\d+)\.layers\.(\d+)\.", r"\1.\2.linear."),
)


class MedusaHeads(nn.ModuleList):
    """K heads of L residual blocks, each with an output layer of its own or sharing the target's.

    Args:
        size: H of the target.
        num_heads: K.
        num_layers: L.
        vocab: rows of the heads' own output layers; ``None`` shares the target's.
        draft_vocab: Vd, where only so many of the target's tokens are guessed.
        bias: whether the blocks have one, as the authors' have.
    """

    token_map: Tensor | None  # [Vd] the target's id of each guessed token

    def __init__(
        self,
        size: int,
        num_heads: int = 4,
        num_layers: int = 1,
        vocab: int | None = None,
        draft_vocab: int | None = None,
        *,
        bias: bool = True,
    ) -> None:
        own = [] if vocab is None else [vocab]
        super().__init__(
            nn.Sequential(
                *(ResBlock(size, size, bias=bias) for _ in range(num_layers)),
                *(nn.Linear(size, rows, bias=False) for rows in own),
            )
            for _ in range(num_heads)
        )
        self.size, self.num_layers, self.vocab = size, num_layers, vocab
        ids = None if draft_vocab is None else torch.arange(draft_vocab)
        self.register_buffer(TOKEN_MAP, ids)

    @property
    def num_heads(self) -> int:
        """K, tokens guessed behind the target's own."""
        return len(self)

    def forward(self, states: Tensor) -> Tensor:
        """From states [..., H] to what the output layers are asked about, [..., K, H]."""
        rows = [states] * self.num_heads
        for layer in range(self.num_layers):
            rows = [head[layer](inner) for head, inner in zip(self, rows, strict=True)]
        return torch.stack(rows, -2)

    def logits(self, hidden: Tensor, lm_head: nn.Module) -> Tensor:
        """Logits [..., n, V] of the first n of ``forward``'s rows [..., n, H].

        Args:
            lm_head: the shared output layer.
        """
        if self.vocab is None:
            return lm_head(hidden)  # one product for all heads
        parts = zip(self, hidden.split(1, -2), strict=False)  # a shallow tree asks the first alone
        return torch.cat([head[self.num_layers](row) for head, row in parts], -2)

    def keep_rows(self, ids: Tensor) -> None:
        """Of every own output layer keep the rows ``ids`` [Vd]; one that is shared stays so."""
        kept: dict[int, nn.Linear] = {}
        for head in self:
            layer = head[self.num_layers]
            if id(layer.weight) not in kept:
                rows = nn.Linear(self.size, len(ids), bias=False, dtype=layer.weight.dtype)
                rows.weight = nn.Parameter(layer.weight.detach()[ids], requires_grad=False)
                kept[id(layer.weight)] = rows
            head[self.num_layers] = kept[id(layer.weight)]
        self.vocab = len(ids)


def read_medusa(file: HeadFile) -> MedusaHeads:
    """The heads of an open file: Medusa-1's layout, Medusa-2's or vLLM's; counted in the file.

    Raises:
        HeadError: names the keys that are missing, not known or of another shape.
    """
    names = names_in(file, _VARIANTS)
    if any(key.startswith(_WHOLE) for key in file.shapes):  # the target's own weights are unread
        names = {name: key for name, key in names.items() if key.startswith(_WHOLE)}
    num_layers = count(r"\d+\.(\d+)\.linear\.(?:weight|bias)$", names)
    apart = (r"^lm_heads\.(\d+)\.", rf"\1.{num_layers}.")  # vLLM's output layers
    names = renamed(names, lambda name: re.sub(*apart, name), file)
    part = rf"(?:\d+\.linear\.weight|\d+\.linear\.bias|{num_layers}\.weight)$"
    num_heads = count(rf"(\d+)\.{part}", names)
    if num_heads > MAX_HEADS or num_layers > MAX_LAYERS:
        raise HeadError(f"{file.path.name} holds {num_heads} heads of {num_layers} layers")
    outputs = [f"{head}.{num_layers}.weight" for head in range(num_heads)]
    shared = _shared(names, outputs) if file.config.get(SHARED) is True else None
    if shared is not None:
        names |= dict.fromkeys(outputs, shared)
    places = [(head, layer) for head in range(num_heads) for layer in range(num_layers)]
    size = rows_of(file, names, (f"{head}.{layer}.linear.weight" for head, layer in places))
    if size is None:
        raise HeadError(f"{file.path.name} holds no Medusa heads: 0.0.linear.weight is missing")
    vocab, rows = rows_of(file, names, outputs), rows_of(file, names, [TOKEN_MAP], 1)
    bias = any(name.endswith(".linear.bias") for name in names)
    heads = filled(
        lambda: MedusaHeads(size, num_heads, num_layers, vocab, rows, bias=bias), file, names
    )
    for head in heads if shared is not None else ():  # one copy of what is one weight
        head[num_layers].weight = heads[0][num_layers].weight
    return heads


def _shared(names: dict[str, str], outputs: Sequence[str]) -> str | None:
    """The key of one output layer of all heads, taken out of ``names`` where it stands apart."""
    found = next((names[name] for name in outputs if name in names), None)
    return names.pop("lm_head.weight", found)


def save_medusa(heads: MedusaHeads, folder: Path, **told: Any) -> None:
    """Write the authors' layout; ``told`` are further entries for ``config.json``."""
    config = {"medusa_num_heads": heads.num_heads, "medusa_num_layers": heads.num_layers}
    write_heads(folder, heads.state_dict(), config | told)
