"""Which models tell how much of their attention falls on a tree, and of which layer."""

from transformers import PreTrainedModel

from engine.attention.mass_probe import MassProbe
from engine.attention.tree_attention import attends_by_trees
from engine.packed.attention import PackedAttention


def probe_of(model: PreTrainedModel) -> MassProbe | None:
    """A probe of the last layer for one pass of ``model``; ``None`` where nothing would fill it.

    The kernels tell it, and so do packed modules; transformers' own attention does not.
    """
    layer = model.config.get_text_config().num_hidden_layers - 1
    packed = (m for m in model.modules() if isinstance(m, PackedAttention))
    tells = attends_by_trees(model) or any(m.layer_idx == layer for m in packed)
    return MassProbe(layer) if tells else None
