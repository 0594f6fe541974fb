"""Whether a model's pass can be one step of the device, captured and played again."""

from transformers import PreTrainedModel

from engine.attention.tree_attention import attends_by_trees
from engine.positions import follows_positions


def can_step(model: PreTrainedModel) -> bool:
    """Whether nothing in its pass is read by the host: neither a mask nor how far the text goes."""
    return attends_by_trees(model) and not follows_positions(model.config.get_text_config())
