"""Published files of Hydra and Hydra++ heads, as the authors' classes write them.

Hydra++'s file has dropout between the blocks, which shifts their numbers: 1, 3, 5 ... instead
of 0, 1, 2 ...; and its prefix layer brings embeddings that nothing reads.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor
from transformers import PretrainedConfig

from engine.heads.checkpoint import HeadError, HeadFile, write_heads
from engine.heads.head_config import layer_config, told_by
from engine.heads.hydra import HydraHeads
from engine.heads.layout import filled, names_in, renamed
from engine.heads.medusa import MAX_HEADS, MAX_LAYERS, TOKEN_MAP

STEMS = ("hydra_lm_head", "model", "pytorch_model")
PREFIX = "prefix_embeding_layer."
_FIRST = re.compile(r"hydra_mlp\.(\d+)\.(\d+)\.linear\.weight$")
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
    places = [match for name in names if (match := _FIRST.match(name))]
    if not places:
        raise HeadError(f"{file.path.name} holds no Hydra heads: hydra_mlp.0 is missing")
    num_heads, num_layers = (1 + max(int(place[group]) for place in places) for group in (1, 2))
    if num_heads > MAX_HEADS or num_layers > MAX_LAYERS:
        raise HeadError(f"{file.path.name} holds {num_heads} heads of {num_layers} layers")
    first = names.get("hydra_mlp.0.0.linear.weight")
    if first is None:
        raise HeadError(f"{file.path.name} does not fit (missing: hydra_mlp.0.0.linear.weight)")
    size, inputs = file.sizes(first, 2)
    layer = _layer(file, names, target) if has_prefix else None
    if layer is not None and layer.hidden_size != size:
        raise HeadError(f"heads for hidden size {size}, this target has {layer.hidden_size}")
    sizes = {
        "grounded": inputs == 2 * size,
        "prefix": layer,
        "vocab": _rows(file, names, "hydra_lm_head.0.weight", 2),
        "own_words": _rows(file, names, "input_embed_fn.weight", 2),
        "draft_vocab": _rows(file, names, TOKEN_MAP, 1),
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


def _layer(file: HeadFile, names: Mapping[str, str], target: PretrainedConfig) -> Any:
    """Configuration of the prefix layer: the file's entries over the target's."""
    own = {name: getattr(target, name, None) for name in target.to_dict()}
    try:
        return layer_config({k: v for k, v in own.items() if v is not None} | dict(file.config))
    except ValueError as error:
        raise HeadError(str(error)) from error


def _rows(file: HeadFile, names: Mapping[str, str], name: str, dimensions: int) -> int | None:
    """Rows of an optional weight; ``None`` where the file does not have it."""
    key = names.get(name)
    return None if key is None else file.sizes(key, dimensions)[0]


def _offset(config: Mapping[str, Any]) -> int:
    """``hidden_state_offset``: how many states before the last is read."""
    offset = config.get("hidden_state_offset", 0)
    if type(offset) is not int or not 0 <= offset < 1000:
        raise HeadError(f"hidden_state_offset must be a small whole number, got {offset!r:.40}")
    return offset
