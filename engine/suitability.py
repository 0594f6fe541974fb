"""Whether a tree can be verified with a model, read off its config and class before any weights.

A tree pass gives every node its own mask and its own position, and takes what was rejected
out of the cache again: that needs attention over the whole context, and nothing else.
"""

import inspect
import re
from typing import Any

from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, PretrainedConfig

_STATES = {"linear_attention", "conv", "hybrid", "hybrid_sliding"}
# What the shapes in a layer's attention come from, as configs call it.
_HEADS = ("num_attention_heads", "num_key_value_heads", "head_dim", "v_head_dim")
_HEADS += ("qk_nope_head_dim", "qk_rope_head_dim")
_WINDOWS = {"sliding_attention": "sliding_window", "chunked_attention": "attention_chunk_size"}


def refusal(config: PretrainedConfig) -> str | None:
    """What such a model is or has that forbids it, after its name; ``None`` if nothing."""
    if config.is_encoder_decoder:
        return "is an encoder-decoder; a causal language model is needed"
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        return f"({config.model_type}) is no causal language model that transformers knows"
    kind = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    kind = kind[0] if isinstance(kind, tuple) else kind
    text = config.get_text_config()
    return _state(text, kind) or _use(text, kind) or _window(text) or _uneven(text)


def _state(config: PretrainedConfig, kind: type) -> str | None:
    """Layers that fold the past into a state cannot take a rejected token back."""
    folds = getattr(kind, "_is_stateful", False) or "state" in _takes(kind)  # RWKV's name
    if folds or _STATES & set(_layers(config)):
        return (
            f"({config.model_type}) keeps a recurrent state instead of keys and values: "
            "rejected tokens could not be taken back from it"
        )
    return None


def _use(config: PretrainedConfig, kind: type) -> str | None:
    """How a tree pass uses the model: left to right, positions given, keys and values kept."""
    name, takes = config.model_type, _takes(kind)
    # Pythia's config calls itself no decoder, yet it is one: only code that asks counts.
    if getattr(config, "is_decoder", True) is False and _asks_is_decoder(kind):
        return f"({name}) reads in both directions; a causal language model is needed"
    if "position_ids" not in takes or getattr(config, "alibi", False):
        return f"({name}) takes no positions, and the nodes of a tree share positions"
    if "past_key_values" not in takes:
        return f"({name}) keeps no cache of keys and values"
    if getattr(config, "max_position_embeddings", None) is None:
        return f"({name}) does not say how long a context it was made for"
    return None


def _window(config: PretrainedConfig) -> str | None:
    """Layers that see only the last few tokens; harmless where the context is no longer."""
    layers, context = _layers(config), config.max_position_embeddings
    if "local" in layers:  # GPT-Neo
        return _shorter(config.window_size, context)
    if not layers and (window := getattr(config, "sliding_window", None)):
        return _shorter(window, context) if getattr(config, "use_sliding_window", True) else None
    for layer in (name for name in layers if name in _WINDOWS):
        if (window := getattr(config, _WINDOWS[layer], None)) and (
            text := _shorter(window, context)
        ):
            return text
    if other := set(layers) - set(_WINDOWS) - {"full_attention", "attention", "global"}:
        return (
            f"has layers of type {', '.join(sorted(other))}; every layer must have full "
            "attention, for rejected tokens have to be taken back from the cache"
        )
    return None


def _uneven(config: PretrainedConfig) -> str | None:
    """Layers whose heads differ: all layers' slots are one block, so that they move as one.

    Told layer by layer (Gemma 4, and whatever has a ``per_layer_config``), or by names of their
    own for those with a window (Inkling).
    """
    layers = list(config.per_layer_config) if config.is_heterogeneous else [config]
    kinds = getattr(config, "layer_types", None) or [""] * len(layers)
    layers = layers if len(layers) == len(kinds) else layers * len(kinds)
    found = [_heads(layer, kind) for layer, kind in zip(layers, kinds, strict=True)]
    differing = [
        f"{name} {' and '.join(map(str, sorted(values, key=str)))}"
        for name, *every in zip(_HEADS, *found, strict=True)
        if len(values := set(every)) > 1
    ]
    if not differing:
        return None
    return (
        f"has layers whose heads differ ({', '.join(differing)}): "
        "the slots of its cache would not be one block"
    )


def _heads(layer: PretrainedConfig, kind: str) -> tuple[int | None, ...]:
    """Of ``_HEADS`` what a layer of ``kind`` has."""
    own = "swa_" if "sliding" in kind else ""
    return tuple(getattr(layer, own + name, getattr(layer, name, None)) for name in _HEADS)


def _shorter(window: int, context: int) -> str | None:
    if window >= context:
        return None
    return (
        f"has a sliding window of {window:,} tokens, shorter than its context of {context:,}: "
        "its cache forgets slots that a tree still needs"
    )


def _layers(config: PretrainedConfig) -> tuple[Any, ...]:
    """The kinds of its layers, under any of the names configs use; empty where they are silent."""
    for name in ("layer_types", "layers_block_type", "attention_layers"):
        if layers := getattr(config, name, None):
            return tuple(dict.fromkeys(layers))
    return ()


def _takes(kind: type) -> frozenset[str]:
    return frozenset(inspect.signature(kind.forward).parameters)


def _asks_is_decoder(kind: type) -> bool:
    """Whether the model's code masks the future only where its config says decoder."""
    code = inspect.getsource(inspect.getmodule(kind))
    return re.search(r"if (not )?(self\.)?(config\.)?is_decoder", code) is not None
