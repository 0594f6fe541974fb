"""Fits a feature head (EAGLE's) to the target that it is to draft for."""

import torch
from torch import nn
from transformers import PreTrainedModel

from engine.draft_vocab import DraftVocab
from engine.heads.attached import Attached
from engine.heads.beside import move_beside
from engine.heads.checkpoint import HeadError
from engine.heads.feature_head import FeatureHead
from engine.heads.lm_head_rows import lm_head_rows
from engine.heads.logit_shape import shaped_head
from engine.packed import pack_parts


def attach_feature_head(
    head: FeatureHead, target: PreTrainedModel, *, packed: bool = True
) -> Attached:
    """Move ``head`` beside ``target``; swap its parts for fast equal ones.

    Args:
        target: packed already, if it is to be.

    Raises:
        HeadError: says which size does not fit.
    """
    config = target.config.get_text_config()
    _check(head, config.hidden_size, config.vocab_size, config.num_hidden_layers)
    is_tied = _is_tied(head) and config.tie_word_embeddings
    move_beside(head, target, fused=packed)
    if head.embed_tokens is not None and _are_same(head.embed_tokens, target):
        head.embed_tokens = None  # published files hold a copy of the target's
        head.lm_head = None if is_tied else head.lm_head
    ids, rows = head.draft_ids, None
    if head.lm_head is None and ids is not None:
        rows = lm_head_rows(target, ids)
        ids = None if rows is None else ids
    parts = nn.ModuleDict({"head": head} | ({} if rows is None else {"rows": rows}))
    if packed:
        pack_parts(parts)
    shared = parts["rows"] if "rows" in parts else target.get_output_embeddings()
    return Attached(
        head=head,
        embed=head.embed_tokens or target.get_input_embeddings(),
        lm_head=head.lm_head or shaped_head(shared, target.config),
        vocab=DraftVocab(config.vocab_size, ids),
        taps=head.tapped(config.num_hidden_layers),
    )


def _check(head: FeatureHead, size: int, vocab: int, layers: int) -> None:
    """Refuse a head that was made for another target than one of these sizes."""
    config = head.config
    if head.target_size != size:
        width, states = head.target_size * head.num_states, head.num_states
        fused = f"; or they fuse {width // size} states, and their config names {states}"
        raise HeadError(
            f"heads for hidden size {head.target_size}, this target has {size}"
            f"{fused if states > 1 and width % size == 0 else ''}"
        )
    if config.vocab_size != vocab:
        raise HeadError(
            f"heads for {config.vocab_size} tokens, this target's vocabulary is {vocab}"
        )
    for key, own in (("embed_tokens.weight", head.embed_tokens), ("lm_head.weight", head.lm_head)):
        if own is None and config.hidden_size != size:
            raise HeadError(
                f"missing: {key}; the target's has hidden size {size}, "
                f"the heads have {config.hidden_size}"
            )
    if max(taps := head.tapped(layers)) > layers:
        raise HeadError(f"heads that read state {max(taps)}, this target has {layers} layers")


def _is_tied(head: FeatureHead) -> bool:
    """Whether the head's embeddings are its output layer."""
    words, rows = head.embed_tokens, head.lm_head
    return words is not None and rows is not None and rows.weight is words.weight


def _are_same(words: nn.Embedding, target: PreTrainedModel) -> bool:
    """Whether ``words`` are the target's own embedding."""
    own = target.get_input_embeddings().weight
    return words.weight.shape == own.shape and torch.equal(words.weight, own)
