"""A head's ``config.json``: an ordinary Llama configuration, flat or nested as servers write it.

It knows the names in such files and what a layer is built from, and nothing of weights.
"""

from collections.abc import Mapping
from copy import deepcopy
from math import inf
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaMLP, LlamaRotaryEmbedding

from engine.heads.checkpoint import HeadError
from kernels.reason import first_line

# What the library raises for entries that are not what they should be.
_BROKEN = (StrictDataclassError, ValueError, TypeError, KeyError, AttributeError, ArithmeticError)
_BROKEN += (RuntimeError,)  # of tables that do not fit together
_LARGEST = 2**24  # any size; products of two still count their bytes in 64 bits
NEEDED = ("hidden_size", "intermediate_size", "num_attention_heads", "vocab_size")
ROTARY = ("rope_theta", "rope_scaling", "rope_parameters")  # three names of one thing
KEPT = (
    "num_key_value_heads",
    "head_dim",
    "hidden_act",
    "max_position_embeddings",
    "rms_norm_eps",
    *ROTARY,
)
_SIZES = frozenset((*NEEDED, "num_key_value_heads", "head_dim", "max_position_embeddings"))
_POSITIVE = frozenset(("rms_norm_eps", "rope_theta"))
_FULL = "full_attention"


def flat(told: Mapping[str, Any]) -> dict[str, Any]:
    """The file's entries with those of the layer among them that servers nest.

    speculators calls them ``transformer_layer_config``, vLLM's script for EAGLE-1 ``model``.
    """
    nested = (told.get(name) for name in ("model", "transformer_layer_config"))
    inner = [entries for entries in nested if isinstance(entries, Mapping)]
    return {name: value for entries in (*inner, told) for name, value in entries.items()}


def flag(entries: Mapping[str, Any], name: str) -> bool:
    """A yes or no of ``config.json``, at its top or inside ``eagle_config``.

    Raises:
        HeadError: it is neither.
    """
    inner = entries.get("eagle_config")
    nested = inner.get(name) if isinstance(inner, Mapping) else None
    for value in (entries.get(name), nested):
        if not isinstance(value, bool | None):
            raise HeadError(f"config.json: {name} must be true or false, got {value!r:.50}")
    return bool(entries.get(name) or nested)


def size_of(entries: Mapping[str, Any], name: str) -> int:
    """A size that ``config.json`` must have.

    Raises:
        HeadError: it is missing or is no size.
    """
    value = entries.get(name)
    if type(value) is not int or not 1 <= value <= _LARGEST:
        raise HeadError(f"config.json needs a size {name}, got {value!r:.50}")
    return value


def check_attention(told: Mapping[str, Any]) -> None:
    """Refuse a head whose layer is not to see the whole text, as every head's does here.

    Raises:
        HeadError: names what the layer was made for.
    """
    kinds = flat(told).get("layer_types")
    first = kinds[0] if isinstance(kinds, list) and kinds else _FULL
    if first != _FULL:
        raise HeadError(
            f"config.json: layer_types says {first!r:.50}, and heads are run with {_FULL} alone"
        )


def layer_config(told: Mapping[str, Any]) -> LlamaConfig:
    """What the head's one layer is built from.

    Args:
        told: a parsed ``config.json``.

    Raises:
        HeadError: an entry that the layer needs is missing or is no size.
    """
    entries = flat(told)
    names = [name for name in KEPT if entries.get(name) is not None]
    chosen = deepcopy({name: entries.get(name) for name in (*NEEDED, *names)})
    for name in sorted(_SIZES & chosen.keys()):
        size_of(chosen, name)
    for name in sorted(_POSITIVE & chosen.keys()):
        value = chosen[name]
        if type(value) not in (int, float) or not 0 < value < inf:
            raise HeadError(f"config.json needs a positive number {name}, got {value!r:.50}")
    _check_heads(chosen)
    try:
        config = LlamaConfig(**chosen, num_hidden_layers=1, attn_implementation="sdpa")
        with torch.device("meta"):  # its tables may be any size: nothing is known to fit yet
            LlamaRotaryEmbedding(config)
            LlamaMLP(config)
    except _BROKEN as error:
        raise HeadError(f"config.json describes no Llama layer: {_told(error):.200}") from error
    return config


def told_by(config: LlamaConfig) -> dict[str, Any]:
    """The entries of a flat ``config.json`` that make ``config`` again, in the older names too."""
    entries = {name: getattr(config, name, None) for name in (*NEEDED, *KEPT)}
    rope = dict(config.rope_parameters)
    entries["rope_theta"] = rope.get("rope_theta")
    if rope.get("rope_type", "default") != "default":
        entries["rope_scaling"] = rope
    entries["num_hidden_layers"] = 1
    return {name: value for name, value in entries.items() if value is not None}


def _told(error: Exception) -> str:
    """What is wrong; of a checked dataclass, the reason stands below the field's name."""
    if isinstance(error, StrictDataclassError):
        return " ".join(str(error).split())
    return first_line(error)


def _check_heads(chosen: Mapping[str, Any]) -> None:
    """Refuse heads that do not divide."""
    size, heads = chosen["hidden_size"], chosen["num_attention_heads"]
    shared = chosen.get("num_key_value_heads", heads)
    if heads % shared:
        raise HeadError(f"{heads} attention heads cannot share {shared} key/value heads")
    if chosen.get("head_dim") is None and size % heads:
        raise HeadError(f"hidden size {size} cannot be split into {heads} heads")
