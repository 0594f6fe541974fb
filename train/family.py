"""What the shared loop asks of a kind of head, and what the heads' own kinds share."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from train.state_feed import StateBatch


class Guess(NamedTuple):
    """What a head makes of a batch for the token t + 2 + ``ahead``.

    Attributes:
        hidden: [N, H] what the language head is asked about, for every asked t.
        asked: [B, T] which those are.
        penalty: of the step, beside the distance of laws.
    """

    ahead: int
    hidden: Tensor
    asked: Tensor
    penalty: Tensor | float = 0.0


@dataclass(frozen=True, slots=True)
class Aids:
    """What a kind may ask for at the beginning.

    Attributes:
        target: in fp32.
        counts: [V] how often each token is looked to.
        scale: [S * H] root mean square of each entry of the states that the kind reads.
        sample: batches of the training text, with the last state as well (``wanted``).
    """

    target: PreTrainedModel
    counts: Tensor
    scale: Tensor
    sample: list[tuple[StateBatch, Tensor]]

    @property
    def words(self) -> Tensor:
        """[V, H] the target's embedding."""
        return self.target.get_input_embeddings().weight

    @property
    def word_scale(self) -> Tensor:
        """[H] root mean square of each entry of an embedding."""
        return self.words.pow(2).mean(0).sqrt()


class Guesser(Protocol):
    """What can be asked for its guesses along a text."""

    columns: tuple[str, ...]  # of the states that it reads
    max_ahead: int  # tokens it is measured on

    def guesses(
        self, head: nn.Module, batch: StateBatch, words: Tensor, num: int
    ) -> Iterator[Guess]:
        """``num`` guesses with the text's own tokens as the draft.

        Args:
            words: [B, T + num, H] embeddings of the tokens *after* each.
        """
        ...

    def draft_ids(self, head: nn.Module) -> Tensor | None:
        """[Vd] target ids that the head can guess; ``None`` is all."""
        ...


class Family(Guesser, Protocol):
    """A kind of head."""

    num_ahead: int  # tokens it is trained to guess, one behind another
    decay: float  # weight of each against the one before

    def new(self, aids: Aids) -> nn.Module:
        """A head before its training."""
        ...

    def grown(self, shipped: nn.Module) -> nn.Module:
        """Shipped heads in the size that is trained now, saying what they said."""
        ...

    def limited(self, head: nn.Module, ids: Tensor) -> nn.Module:
        """A trained head that guesses the tokens ``ids`` [Vd], ascending, alone."""
        ...

    def save(self, head: nn.Module, folder: Path, **told: Any) -> None:
        """Write the published layout."""
        ...


class ScaledLinear(nn.Linear):
    """A linear layer that learns as if its inputs were all of one size.

    Hidden states have entries that are twenty times the others; an optimiser that moves all
    weights by like amounts would move what these say twenty times as much.
    """

    def __init__(self, plain: nn.Linear, scale: Tensor) -> None:
        super().__init__(plain.in_features, plain.out_features, plain.bias is not None)
        self.register_buffer("scale", 1 / scale)
        with torch.no_grad():
            self.weight.copy_(plain.weight * scale)
            if plain.bias is not None:
                self.bias.copy_(plain.bias)

    def forward(self, rows: Tensor) -> Tensor:
        """Map ``rows`` [..., in] to [..., out]."""
        return F.linear(rows * self.scale, self.weight, self.bias)

    @torch.no_grad()
    def plain(self) -> nn.Linear:
        """An equal layer without the scale."""
        layer = nn.Linear(self.in_features, self.out_features, self.bias is not None)
        layer.weight.copy_(self.weight * self.scale)
        if self.bias is not None:
            layer.bias.copy_(self.bias)
        return layer


def swap_scaled(parent: nn.Module) -> None:
    """Put a plain layer in the place of every scaled one below ``parent``."""
    for module in list(parent.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, ScaledLinear):
                setattr(module, name, child.plain())


def after(ids: Tensor, words: Tensor, num: int) -> Tensor:
    """[B, T + num, H] embeddings of the tokens after each of ``ids`` [B, T]; zeros follow."""
    return F.embedding(F.pad(ids, (0, num + 1))[:, 1:], words)


def sample_pairs(aids: Aids, ahead: int) -> Iterator[tuple[Tensor, Tensor]]:
    """State t with words t + 1 ... t + 1 + ``ahead``, and the last state t + 1 + ``ahead``.

    Of every place in the sample that a head is asked from.
    """
    for batch, last in aids.sample:
        rows, asked = batch.ids.shape[1], batch.asked(ahead)
        words = after(batch.ids, aids.words, ahead + 1)
        known = [words[:, step : step + rows][asked] for step in range(ahead + 1)]
        wanted = F.pad(last, (0, 0, 0, ahead + 1))[:, 1 + ahead : 1 + ahead + rows]
        yield torch.cat([batch.states[asked], *known], -1), wanted[asked]
