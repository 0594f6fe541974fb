"""Published files of EAGLE-3 heads: the authors', SGLang's and vLLM's (speculators).

They agree on the names but for the layer's (``midlayer`` or ``layers.0``) and a ``model.``
before them; what else differs is told by the keys that are there and by three entries of
``config.json``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from engine.heads.checkpoint import HeadError, HeadFile, open_heads, write_heads
from engine.heads.eagle3 import NUM_STATES, OPTIONAL, Eagle3Head
from engine.heads.eagle_file import STEMS
from engine.heads.head_config import flat, layer_config, told_by
from engine.heads.layout import check_ids, filled, names_in

_RENAMES = ((r"model\.", ""), (r"(?:layers\.0|midlayers\.0)\.", "midlayer."))
_TAPS = "eagle_aux_hidden_state_layer_ids"


def load_eagle3(home: str | Path) -> Eagle3Head:
    """The head in a folder, file or Hub repository; arguments and errors as ``open_heads``."""
    return read_eagle3(open_heads(home, STEMS))


def read_eagle3(file: HeadFile) -> Eagle3Head:
    """The head of an open file.

    Raises:
        HeadError: says which key of the file or entry of its config is wrong.
    """
    names, config = names_in(file, _RENAMES), layer_config(file.config)
    entries, shapes = flat(file.config), {name: file.shapes[key] for name, key in names.items()}
    own = shapes.get("lm_head.weight", shapes.get("d2t"))
    if "d2t" not in names and own and own[0] != config.vocab_size:
        raise HeadError(f"lm_head.weight has {own[0]} rows, and no d2t to name them")

    def build() -> Eagle3Head:
        return Eagle3Head(
            config,
            OPTIONAL & names.keys(),
            draft_vocab=own[0] if own else None,
            target_size=_target_size(shapes, config.hidden_size),
            taps=_taps(entries),
            is_residual_normed=_flag(entries, "norm_before_residual"),
            is_output_normed=_flag(entries, "norm_output"),
        )

    head = filled(build, file, names)
    _check_vocabulary(head)
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
        "target_hidden_size": head.target_size != head.config.hidden_size and head.target_size,
        "norm_before_residual": head.is_residual_normed,
        "norm_output": head.is_output_normed,
        _TAPS: list(head.taps or ()),
    }
    entries |= {name: value for name, value in optional.items() if value}
    write_heads(folder, head.state_dict(), entries | told_by(head.config) | told)


def _target_size(shapes: Mapping[str, tuple[int, ...]], size: int) -> int:
    """Ht, from the width of ``fc``."""
    shape = shapes.get("fc.weight", (size, NUM_STATES * size))  # missing: told with the others
    if len(shape) != 2 or shape[1] % NUM_STATES:
        raise HeadError(f"fc.weight: expected [{size}, 3 x hidden size], found {list(shape)}")
    return shape[1] // NUM_STATES


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
    if len(taps) != NUM_STATES:
        raise HeadError(f"config.json: {_TAPS} must hold {NUM_STATES} numbers, got {taps!r:.80}")
    return tuple(tap + (1 if taps is nested else 0) for tap in taps)


def _flag(entries: Mapping[str, Any], name: str) -> bool:
    """A yes or no of ``config.json``, at its top or inside ``eagle_config``."""
    inner = entries.get("eagle_config")
    nested = inner.get(name) if isinstance(inner, Mapping) else None
    for value in (entries.get(name), nested):
        if not isinstance(value, bool | None):
            raise HeadError(f"config.json: {name} must be true or false, got {value!r:.50}")
    return bool(entries.get(name) or nested)


def _check_vocabulary(head: Eagle3Head) -> None:
    """Refuse a draft vocabulary that is not one, or whose two tables differ."""
    vocab, ids = head.config.vocab_size, head.draft_ids
    if ids is not None:
        check_ids(ids, vocab, "d2t")
    every = torch.arange(vocab) if ids is None else ids.sort().values
    if head.t2d is not None and not torch.equal(head.t2d.nonzero()[:, 0], every):
        raise HeadError("t2d and d2t name different tokens")
