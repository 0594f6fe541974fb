"""The least time of a round: what has to be read of weights and slots, and multiplied with."""

from torch import nn

from bench.gpu.lines import Ceilings
from bench.gpu.models import OWN
from engine import Bundle
from engine.ceilings import size_of
from engine.heads.eagle3 import Eagle3Head
from engine.heads.hydra import HydraHeads
from engine.heads.medusa import MedusaHeads


def least_time(
    bundle: Bundle, method: str, drafted: int, levels: int, length: int, ceilings: Ceilings
) -> float:
    """The target's weights and slots once, and the drafter's matrices as often as it asks them.

    Args:
        drafted: nodes besides the root.
        levels: that they stand on.
        length: slots of the prefix.
    """
    parameters, read = size_of(bundle.target)
    slots = bundle.target.config.num_hidden_layers * _slot(bundle) * (length + 1 + drafted)
    flops = 2 * parameters * (1 + drafted)
    drafting = ceilings.microseconds(drafting_bytes(bundle, method, levels))
    return ceilings.microseconds(read + slots, flops) + drafting


def drafting_bytes(bundle: Bundle, method: str, levels: int) -> int:
    """Of the matrices that a round multiplies with to draft ``levels`` levels."""
    if method == "plain":
        return 0
    if method in OWN:
        return levels * size_of(bundle.draft)[1]
    head = bundle.heads[method].attached.head
    own, output = size_of(head)[1], _output_bytes(bundle, head)
    if isinstance(head, MedusaHeads):  # all levels at once
        return own + output
    if isinstance(head, HydraHeads):  # a level asks its own head alone
        asked = sum(size_of(mlp)[1] for mlp in head.hydra_mlp[:levels])
        prefix = 0 if head.prefix is None else size_of(head.prefix)[1]
        return prefix + asked + levels * output
    fusing = head.fc.weight.nbytes if isinstance(head, Eagle3Head) else 0  # of states: once a round
    return fusing + levels * (own - fusing + output)


def _output_bytes(bundle: Bundle, head: nn.Module) -> int:
    """Of the target's output layer, where the heads have none of their own."""
    has_own = getattr(head, "lm_head", None) is not None
    return 0 if has_own else bundle.target.get_output_embeddings().weight.nbytes


def _slot(bundle: Bundle) -> int:
    """Bytes of a token's key and value in one layer."""
    config = bundle.target.config
    return 2 * config.num_key_value_heads * config.head_dim * bundle.dtype.itemsize
