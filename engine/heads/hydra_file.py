"""Published files of Hydra and Hydra++ heads, as the authors' classes write them.

Hydra++'s file has dropout between the blocks, which shifts their numbers: 1, 3, 5 ... instead
of 0, 1, 2 ...; and its prefix layer brings embeddings that nothing reads.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor
from transformers import LlamaConfig, PretrainedConfig

from engine.heads.checkpoint import HeadError, HeadFile, write_heads
from engine.heads.head_config import (
    KEPT,
    NEEDED,
    ROTARY,
    check_attention,
    flat,
    layer_config,
    told_by,
)
from engine.heads.hydra import HydraHeads
from engine.heads.layout import count, filled, names_in, renamed, rows_of
from engine.heads.medusa import MAX_HEADS, MAX_LAYERS, TOKEN_MAP

STEMS = ("hydra_lm_head", "model", "pytorch_model")
PREFIX = "prefix_embeding_layer."
_LAYERS = r"hydra_mlp\.\d+\.(\d+)\.linear\.(?:weight|bias)$"
_HEADS = r"hydra_(?:mlp|lm_head)\.(\d+)\.(?:\d+\.(?:linear|res_connection)\.)?(?:weight|bias)$"
_KNOWN = ("mlp", "prefix-mlp")


def read_hydra(file: HeadFile, target: PretrainedConfig) -> HydraHeads:
    """The heads of an open file; counted in the file itself, its prefix layer shaped as a
    layer of ``target`` unless the file's own config says otherwise.

    Raises:
        HeadError: names the keys that are missing, not known or of another shape.
    """
    arch = file.config.get("hydra_head_arch", "mlp")
    if arch not in _KNOWN:
        raise HeadError(f"hydra_head_arch {arch!r:.40} is not known; {', '.join(_KNOWN)} are")
    has_prefix = any(key.startswith(PREFIX) for key in file.shapes)
    names = renamed(names_in(file, ()), lambda name: _inner(name, has_prefix), file)
    names.pop(PREFIX + "embed_tokens.weight", None)  # nothing reads it
    num_heads, num_layers = count(_HEADS, names), count(_LAYERS, names)
    if not num_layers:
        raise HeadError(f"{file.path.name} holds no Hydra heads: hydra_mlp.0 is missing")
    if num_heads > MAX_HEADS or num_layers > MAX_LAYERS:
        raise HeadError(f"{file.path.name} holds {num_heads} heads of {num_layers} layers")
    size, grounded = _inputs(file, names, num_heads, has_prefix)
    layer = _layer(file.config, target) if has_prefix else None
    if layer is not None and layer.hidden_size != size:
        raise HeadError(f"heads for hidden size {size}, this target has {layer.hidden_size}")
    outputs = (f"hydra_lm_head.{head}.weight" for head in range(num_heads))
    sizes = {
        "grounded": grounded,
        "prefix": layer,
        "vocab": rows_of(file, names, outputs),
        "own_words": rows_of(file, names, ["input_embed_fn.weight"]),
        "draft_vocab": rows_of(file, names, [TOKEN_MAP], 1),
        "offset": _offset(file.config),
    }
    return filled(
        lambda: HydraHeads(size, num_heads, num_layers, **sizes),
        file,
        names,
        lambda name: _outer(name, has_prefix),
    )


def save_hydra(heads: HydraHeads, folder: Path, **told: Any) -> None:
    """Write the authors' layout; ``told`` are further entries for ``config.json``."""
    has_prefix = heads.prefix is not None
    config: dict[str, Any] = {
        "hydra_num_heads": heads.num_heads,
        "hydra_num_layers": heads.num_layers,
        "hydra_head_arch": "prefix-mlp" if has_prefix else "mlp",
        "grounded_heads": heads.grounded,
        "hidden_state_offset": heads.offset,
    }
    layer = told_by(heads.prefix.config) if heads.prefix is not None else {}
    tensors: dict[str, Tensor] = {
        _outer(name, has_prefix): weight for name, weight in heads.state_dict().items()
    }
    write_heads(folder, tensors, layer | config | told)


def _inner(key: str, has_prefix: bool) -> str:
    """Our name of a key of the file: the numbers that dropout shifted, put back."""
    if not has_prefix:
        return key
    key = re.sub(r"^(hydra_lm_head\.\d+)\.1\.", r"\1.", key)
    return re.sub(r"^(hydra_mlp\.\d+)\.(\d*[13579])\.", lambda m: f"{m[1]}.{int(m[2]) // 2}.", key)


def _outer(name: str, has_prefix: bool) -> str:
    """The file's key of one of our names."""
    if not has_prefix:
        return name
    name = re.sub(r"^(hydra_lm_head\.\d+)\.", r"\1.1.", name)
    return re.sub(r"^(hydra_mlp\.\d+)\.(\d+)\.", lambda m: f"{m[1]}.{2 * int(m[2]) + 1}.", name)


def _inputs(
    file: HeadFile, names: Mapping[str, str], num_heads: int, has_prefix: bool
) -> tuple[int, bool]:
    """H, and whether heads are grounded, as the first block there is reads them.

    Raises:
        HeadError: names the blocks' weights, of which there is none.
    """
    firsts = [f"hydra_mlp.{head}.0.linear.weight" for head in range(num_heads)]
    key = next((names[name] for name in firsts if name in names), None)
    if key is None:
        lacking = ", ".join(_outer(name, has_prefix) for name in firsts)
        raise HeadError(f"{file.path.name} does not fit (missing: {lacking})")
    size, width = file.sizes(key, 2)
    return size, width != size


def _layer(config: Mapping[str, Any], target: PretrainedConfig) -> LlamaConfig:
    """Configuration of the prefix layer: the file's entries over the target's."""
    told = flat(config)
    check_attention(told)
    is_turned = any(told.get(name) is not None for name in ROTARY)
    own = {
        name: getattr(target, name, None)  # not in its dict where the target calls it otherwise
        for name in (*NEEDED, *KEPT)
        if not (is_turned and name in ROTARY)
    }
    entries = {name: value for name, value in own.items() if value is not None} | told
    if lacking := [name for name in NEEDED if name not in entries]:
        raise HeadError(
            f"this target ({target.model_type}) has no Llama layer to shape the prefix layer "
            f"after: neither it nor config.json tells {', '.join(lacking)}"
        )
    return layer_config(entries)


def _offset(config: Mapping[str, Any]) -> int:
    """``hidden_state_offset``: how many states before the last is read."""
    offset = config.get("hidden_state_offset", 0)
    if type(offset) is not int or not 0 <= offset < 1000:
        raise HeadError(f"hidden_state_offset must be a small whole number, got {offset!r:.40}")
    return offset
