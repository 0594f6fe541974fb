"""Published files of EAGLE-3 heads: the authors', SGLang's and vLLM's (speculators).

They agree on the names but for the layer's (``midlayer`` or ``layers.0``) and a ``model.``
before them; what else differs is told by the keys that are there and by a few entries of
``config.json``, some of which promise a key.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from engine.heads.checkpoint import HeadError, HeadFile, open_heads, write_heads
from engine.heads.eagle3 import HEAD_NORMS, NUM_STATES, OPTIONAL, Eagle3Head, fused_norms
from engine.heads.eagle_file import STEMS
from engine.heads.head_config import (
    check_attention,
    flag,
    flat,
    layer_config,
    size_of,
    told_by,
)
from engine.heads.layout import check_ids, count, filled, names_in

_RENAMES = ((r"model\.", ""), (r"(?:layers\.0|midlayers\.0)\.", "midlayer."))
MAX_STATES = 64  # that a head may fuse
_TAPS = "eagle_aux_hidden_state_layer_ids"
_TARGET_SIZE = "target_hidden_size"
_TARGETS_HEAD = "target_lm_head"  # ours: a draft vocabulary whose rows are of the target's head


def load_eagle3(home: str | Path) -> Eagle3Head:
    """The head in a folder, file or Hub repository; arguments and errors as ``open_heads``."""
    return read_eagle3(open_heads(home, STEMS))


def read_eagle3(file: HeadFile) -> Eagle3Head:
    """The head of an open file.

    Raises:
        HeadError: says which key of the file or entry of its config is wrong.
    """
    names, config = names_in(file, _RENAMES), layer_config(file.config)
    check_attention(file.config)
    entries, shapes = flat(file.config), {name: file.shapes[key] for name, key in names.items()}
    taps = _taps(entries)
    keys = _optional(names, entries, len(taps or ()) or NUM_STATES)
    own = shapes.get("lm_head.weight", shapes.get("d2t"))
    if "d2t" not in names and own and own[0] != config.vocab_size:
        raise HeadError(f"lm_head.weight has {own[0]} rows, and no d2t to name them")

    def build() -> Eagle3Head:
        return Eagle3Head(
            config,
            keys,
            draft_vocab=own[0] if own else None,
            target_size=_target_size(shapes, entries, config.hidden_size, taps),
            taps=taps,
            is_residual_normed=flag(entries, "norm_before_residual"),
            is_output_normed=flag(entries, "norm_output"),
        )

    head = filled(build, file, names)
    _check_vocabulary(head)
    if flag(entries, "tie_word_embeddings") and not flag(entries, _TARGETS_HEAD):
        _tie(head)
    return head


def save_eagle3(head: Eagle3Head, folder: Path, **told: Any) -> None:
    """Write the authors' layout; ``told`` are further entries for ``config.json``."""
    entries = {
        "architectures": ["LlamaForCausalLMEagle3"],
        "model_type": "llama",
        "draft_vocab_size": head.draft_vocab,
        "tie_word_embeddings": False,
    }
    optional = {
        _TARGETS_HEAD: head.lm_head is None,
        _TARGET_SIZE: head.target_size != head.config.hidden_size and head.target_size,
        "norm_before_residual": head.is_residual_normed,
        "norm_output": head.is_output_normed,
        _TAPS: list(head.taps or ()),
    }
    entries |= {name: value for name, value in optional.items() if value}
    write_heads(folder, head.state_dict(), entries | told_by(head.config) | told)


def _optional(names: Mapping[str, str], entries: Mapping[str, Any], states: int) -> frozenset[str]:
    """The optional weights that the file has, and those that it must have.

    Args:
        states: that are fused.
    """
    norms = fused_norms(states)
    if (found := count(r"fc_norm\.(\d+)\.", names)) > states:
        raise HeadError(f"the file norms {found} states, and {_TAPS} does not name as many")
    keys = set((OPTIONAL | norms) & names.keys())
    for name, promised in (("norm_before_fc", {"input_norm.weight"}), ("fc_norm", norms)):
        if flag(entries, name) or keys & promised:  # of three norms, one is none
            keys |= promised
    keys |= HEAD_NORMS if keys & HEAD_NORMS else set()  # likewise
    if "d2t" in keys and not flag(entries, _TARGETS_HEAD):
        keys.add("lm_head.weight")
    return frozenset(keys)


def _target_size(
    shapes: Mapping[str, tuple[int, ...]],
    entries: Mapping[str, Any],
    size: int,
    taps: Sequence[int] | None,
) -> int:
    """Ht, from the width of ``fc``; the config may name it too."""
    told = None if entries.get(_TARGET_SIZE) is None else size_of(entries, _TARGET_SIZE)
    shape = shapes.get("fc.weight")
    if shape is None:
        return told or size  # missing: told with the others
    states = len(taps or ()) or NUM_STATES
    unnamed = "" if taps else f"; {_TAPS} is not there to say of how many states"
    if len(shape) != 2 or shape[1] % states:
        raise HeadError(
            f"fc.weight: expected [{size}, {states} x hidden size], found {list(shape)}{unnamed}"
        )
    read = shape[1] // states
    if told not in (None, read):
        raise HeadError(f"fc.weight reads states of {read}, {_TARGET_SIZE} is {told}{unnamed}")
    return read


def _tie(head: Eagle3Head) -> None:
    """Make the head's own embeddings its output layer where it has no other, as SGLang does."""
    words = head.embed_tokens
    if words is not None and head.lm_head is None and head.d2t is None:
        rows, size = words.weight.shape
        head.lm_head = nn.Linear(size, rows, bias=False, device="meta")  # takes no memory
        head.lm_head.weight = words.weight


def _taps(entries: Mapping[str, Any]) -> tuple[int, ...] | None:
    """Numbers of the tapped hidden states.

    At the top (speculators, vLLM) they are numbered as ``hidden_states``; inside
    ``eagle_config`` (NVIDIA, SGLang) as layers, whose outputs have the next number.
    """
    inner = entries.get("eagle_config")
    nested = inner.get(_TAPS) if isinstance(inner, Mapping) else None
    taps = entries.get(_TAPS) or nested
    if not taps:
        return None
    if not isinstance(taps, list) or not all(type(tap) is int and tap >= 0 for tap in taps):
        raise HeadError(f"config.json: {_TAPS} must hold layer numbers, got {taps!r:.80}")
    if len(taps) > MAX_STATES:
        raise HeadError(f"config.json: {_TAPS} holds {len(taps)} numbers, {MAX_STATES} at the most")
    return tuple(tap + (1 if taps is nested else 0) for tap in taps)


def _check_vocabulary(head: Eagle3Head) -> None:
    """Refuse a draft vocabulary that is not one, or whose two tables differ."""
    vocab, ids = head.config.vocab_size, head.draft_ids
    if ids is not None:
        check_ids(ids, vocab, "d2t")
    every = torch.arange(vocab) if ids is None else ids.sort().values
    if head.t2d is not None and not torch.equal(head.t2d.nonzero()[:, 0], every):
        raise HeadError("t2d and d2t name different tokens")
