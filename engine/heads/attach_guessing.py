"""Fits Medusa's and Hydra's heads to the target that they are to draft for."""

from torch import nn
from transformers import PreTrainedModel

from engine.draft_vocab import DraftVocab
from engine.heads.attached import Attached
from engine.heads.beside import move_beside
from engine.heads.checkpoint import HeadError
from engine.heads.hydra import HydraHeads
from engine.heads.layout import check_ids
from engine.heads.lm_head_rows import lm_head_rows
from engine.heads.logit_shape import shaped_head
from engine.heads.medusa import MedusaHeads
from engine.heads.res_block import pack_blocks
from engine.packed import pack_parts

GuessingHeads = MedusaHeads | HydraHeads


def attach_guessing(
    heads: GuessingHeads, target: PreTrainedModel, *, packed: bool = True
) -> Attached:
    """Move ``heads`` beside ``target``; swap their parts for fast equal ones.

    Args:
        target: packed already, if it is to be.

    Raises:
        HeadError: says which size does not fit.
    """
    config = target.config.get_text_config()
    if _has_all_rows(heads, config.vocab_size):
        heads.keep_rows(heads.token_map)
    _check(heads, config.hidden_size, config.vocab_size)
    tap = config.num_hidden_layers - getattr(heads, "offset", 0)
    if tap < 0:
        raise HeadError(f"heads that read {-tap} states before this target's first")
    move_beside(heads, target, fused=packed)
    ids, rows = heads.token_map, None
    if ids is not None and heads.vocab is None:
        rows = lm_head_rows(target, ids)
        ids = None if rows is None else ids
    parts = nn.ModuleDict({"heads": heads} | ({} if rows is None else {"rows": rows}))
    if packed:
        pack_blocks(heads)
        pack_parts(parts)
    shared = parts["rows"] if "rows" in parts else target.get_output_embeddings()
    own_words = getattr(heads, "input_embed_fn", None)
    return Attached(
        head=heads,
        embed=target.get_input_embeddings() if own_words is None else own_words,
        lm_head=shaped_head(shared, target.config),
        vocab=DraftVocab(config.vocab_size, ids),
        taps=(tap,),
    )


def _has_all_rows(heads: GuessingHeads, vocab: int) -> bool:
    """Whether own output layers hold a row for every token where a map names a few of them.

    vLLM's Medusa picks the rows when it loads.
    """
    ids = heads.token_map
    if not isinstance(heads, MedusaHeads) or ids is None or heads.vocab != vocab:
        return False
    check_ids(ids, vocab, "token_map")
    return len(ids) < vocab


def _check(heads: GuessingHeads, size: int, vocab: int) -> None:
    """Refuse heads that were made for another target than one of these sizes."""
    if heads.size != size:
        raise HeadError(f"heads for hidden size {heads.size}, this target has {size}")
    ids, words = heads.token_map, getattr(heads, "input_embed_fn", None)
    if ids is not None:
        check_ids(ids, vocab, "token_map")
    if ids is not None and heads.vocab not in (None, len(ids)):
        raise HeadError(f"the heads have {heads.vocab} rows, and token_map names {len(ids)}")
    for rows in (
        None if ids is not None else heads.vocab,
        None if words is None else words.num_embeddings,
    ):
        if rows not in (None, vocab):
            raise HeadError(f"heads for {rows} tokens, this target's vocabulary is {vocab}")
