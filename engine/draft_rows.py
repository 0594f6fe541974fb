"""A draft model whose vocabulary has other rows than its target's: as a rule the padding differs.

Models of one family share their tokens and are padded each by its own measure: of Qwen2.5 the
7B has 152,064 rows and the 0.5B 151,936.  Any law will do to draft from, so that what a draft
model has no row for is read as another token and never guessed.
"""

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from engine.draft_vocab import DraftVocab
from engine.model_files import ModelError


def fit_rows(model: PreTrainedModel, vocab: int) -> None:
    """Let ``model`` read every one of ``vocab`` tokens, and guess none beyond them; in place.

    Its logits are over the first ``min(vocab, Vd)`` tokens then, which is what its config says.

    Raises:
        ModelError: its output layer cannot be cut.
    """
    config = model.config.get_text_config()
    rows = config.vocab_size
    if rows < vocab:
        words = model.get_input_embeddings()
        words.register_forward_pre_hook(_StandIn(rows - 1))
    elif rows > vocab:
        _cut(model.get_output_embeddings(), vocab)
        config.vocab_size = vocab


def rows_vocab(model: PreTrainedModel, vocab: int) -> DraftVocab:
    """The tokens of a fitted draft model's logits, among the target's ``vocab``."""
    rows = model.config.get_text_config().vocab_size
    ids = None if rows == vocab else torch.arange(rows, device=model.device)
    return DraftVocab(vocab, ids)


class _StandIn:
    """Before an embedding: what it has no row for is read as its last one, padding as a rule."""

    def __init__(self, last: int) -> None:
        self.last = last

    def __call__(self, _: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return (inputs[0].clamp_max(self.last), *inputs[1:])


def _cut(head: nn.Module | None, vocab: int) -> None:
    """Leave the first ``vocab`` rows of an output layer; they stay where they are."""
    if not isinstance(head, nn.Linear):
        raise ModelError(f"its output layer, a {type(head).__name__}, cannot be cut.")
    head.weight = nn.Parameter(head.weight[:vocab], requires_grad=False)
    if head.bias is not None:
        head.bias = nn.Parameter(head.bias[:vocab], requires_grad=False)
    head.out_features = vocab
