"""The tree kernel as transformers' attention function: models call it where they run as they are.

A pass over the nodes of a tree is told so by ``tree=TreeSlots(...)``, which transformers hands
down to every layer; any other pass (a prompt, a step of a drafter) goes to SDPA as before.
"""

from typing import Any, NamedTuple

import torch
from transformers import (
    AttentionInterface,
    AttentionMaskInterface,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from engine.attention.mass_probe import MassProbe
from engine.llama_kin import ATTENTIONS
from kernels.ancestors import pack_ancestors
from kernels.tree_attention import tree_attention

NAME = "speculoscope_tree"


class TreeSlots(NamedTuple):
    """Where a tree's nodes stand in the slots, on the device: nothing of it is read by the host."""

    length: torch.Tensor  # [1] slots of the prefix
    count: torch.Tensor  # [1] nodes
    bits: torch.Tensor  # [n, ceil(N / 32)] ancestors, packed, of the nodes that are read

    @classmethod
    def of(cls, seen: torch.Tensor, length: int) -> "TreeSlots":
        """For a tree whose mask is ``seen`` [N, N] bool, behind ``length`` slots."""
        numbers = torch.tensor([length, len(seen)], dtype=torch.int32, device=seen.device)
        return cls(numbers[:1], numbers[1:], pack_ancestors(seen))


def use_tree_attention(model: PreTrainedModel) -> None:
    """Let ``model`` attend by the tree kernel in passes that name a tree."""
    _register()
    model.set_attn_implementation(NAME)


def use_tree_attention_in(head: torch.nn.Module) -> None:
    """The same for a head's layers, which are no model of their own."""
    _register()
    for config in configs_of(head):
        config._attn_implementation = NAME


def configs_of(head: torch.nn.Module) -> list[PreTrainedConfig]:
    """Those of a head's layers that attend."""
    layers = (part for part in head.modules() if type(part) in ATTENTIONS)
    return list({id(layer.config): layer.config for layer in layers}.values())


def _register() -> None:
    AttentionInterface.register(NAME, tree_attention_forward)
    AttentionMaskInterface.register(NAME, sdpa_mask)


def attends_by_trees(model: torch.nn.Module) -> bool:
    """Whether ``use_tree_attention`` was called on ``model``, or its like on a head."""
    return getattr(model.config, "_attn_implementation", None) == NAME


def tree_attention_forward(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    scaling: float | None = None,
    tree: TreeSlots | None = None,
    mass: MassProbe | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """[1, N, H, D] of one layer; arguments as transformers calls its attention functions."""
    if tree is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **options
        )
    rows = query[0].transpose(0, 1)  # [N, H, D]
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    attended = tree_attention(rows, key[0], value[0], tree.length, tree.count, tree.bits, scale)
    if mass is not None and mass.layer == getattr(module, "layer_idx", None):
        mass.take(attended.share)
    return attended.out[None], None
