"""How far a model can be read so that a tree's rows are what single ones would be."""

from transformers import PretrainedConfig

ON_THE_HOST = frozenset({"dynamic", "longrope"})  # frequencies that follow the largest position


def longest_context(config: PretrainedConfig) -> int:
    """Tokens that a model of this (text) config is read up to.

    LongRoPE (Ding et al., 2024, arXiv 2402.13753) has two sets of frequencies, and which one a
    pass takes follows from its largest position: a node beyond the original length would change
    the rows of all others, and keys that are cached would belong to the other set.  So such a
    model ends where its first set does.
    """
    originals = [
        scaling.get("original_max_position_embeddings")
        or getattr(config, "original_max_position_embeddings", None)
        for scaling in _scalings(config)
        if scaling.get("rope_type") == "longrope"
    ]
    return min([config.max_position_embeddings, *filter(None, originals)])


def follows_positions(config: PretrainedConfig) -> bool:
    """Whether the host has to read a pass's positions to know its rotary frequencies."""
    return any(scaling.get("rope_type") in ON_THE_HOST for scaling in _scalings(config))


def _scalings(config: PretrainedConfig) -> list[dict]:
    """Rotary parameters, of every kind of layer where they differ."""
    rope = getattr(config, "rope_parameters", None) or {}
    return [rope, *(part for part in rope.values() if isinstance(part, dict))]
