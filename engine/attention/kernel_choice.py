"""Which implementation verifies a target's trees: chosen and tried once, said once, recorded."""

import sys
from functools import cache

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from engine.attention.kernel_path import MAX_REASON, KernelPath, PathName
from engine.attention.tree_attention import (
    attends_by_trees,
    configs_of,
    use_tree_attention,
    use_tree_attention_in,
)
from engine.context import Context
from kernels.attention_shape import AttentionShape
from kernels.choice import choose, is_fit, why_unfit
from kernels.device import attention_path
from kernels.language import wish
from kernels.reason import last_line
from kernels.tiles import MAX_ROWS

# Of the norm of a node's logits: another attention than the model's own is farther off.
TOLERANCE = {torch.float32: 1e-3, torch.float16: 0.02, torch.bfloat16: 0.05}
PROMPT, TREE, PARENTS = (1, 5, 3, 4, 2), (6, 7, 8, 9), (-1, 0, 0, 1)  # tokens of a trial


def use_kernels(model: PreTrainedModel, is_static: bool = False) -> KernelPath:
    """Let ``model`` verify trees by the best that runs here and is right; say which on stderr.

    Where neither Triton nor flex_attention does, the model keeps SDPA with a mask over all
    slots.  What is chosen is tried with the model itself, whose logits must stay what they are.

    Args:
        is_static: rounds are one step of the device, which reads a tree from device memory:
            SDPA with a mask is no choice then.

    Raises:
        ValueError: SPECULOSCOPE_KERNELS is no word that it may be.
    """
    chosen = _choose(model, MAX_ROWS)
    if chosen.name == "reference" and wish() != "reference" and not is_static:
        chosen = KernelPath(_own(model), chosen.reason)
    if chosen.name != _own(model) and (why_not := switch_over(model)) is not None:
        chosen = KernelPath(_own(model), why_not[:MAX_REASON])
    _say(chosen)
    return chosen


def use_kernels_beside(model: PreTrainedModel, is_static: bool = False) -> KernelPath:
    """As ``use_kernels``, for a draft model: where its shape fails, others keep what they have."""
    if (why_not := why_unfit(_shape(model))) is None:
        return use_kernels(model, is_static)
    chosen = KernelPath(_own(model), why_not[:MAX_REASON])
    _say(chosen)
    return chosen


def use_kernels_in(head: nn.Module, target: PreTrainedModel) -> None:
    """Let a head's layers attend by trees where ``target`` does, and their own shape can."""
    if not attends_by_trees(target):
        return
    if all(is_fit(shape) for shape in {_shape_by(of, target) for of in configs_of(head)}):
        use_tree_attention_in(head)


def _own(model: PreTrainedModel) -> PathName:
    """What the model attends by as it was loaded: not every architecture has SDPA."""
    return "eager" if model.config._attn_implementation == "eager" else "sdpa"


def kernels_for(model: PreTrainedModel, known: KernelPath, nodes: int) -> KernelPath:
    """What verifies trees of up to ``nodes`` nodes, ``known`` being what ``use_kernels`` gave.

    Something else where they are too many, or where the kernels have failed since.
    """
    if known.name != "triton":
        return known
    has_failed = attention_path(_shape(model)).path != "triton"
    return _choose(model, nodes) if has_failed or nodes > MAX_ROWS else known


def _choose(model: PreTrainedModel, nodes: int) -> KernelPath:
    path, reason = choose(_shape(model, nodes))
    return KernelPath(path, reason[:MAX_REASON])


def _shape(model: PreTrainedModel, nodes: int = MAX_ROWS) -> AttentionShape:
    return _shape_by(model.config.get_text_config(), model).of(nodes)


def _shape_by(config: PreTrainedConfig, model: PreTrainedModel) -> AttentionShape:
    """Of layers by ``config`` that live where ``model`` does, in its numbers."""
    heads = config.num_attention_heads
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    group = max(1, heads // kv_heads)
    return AttentionShape(model.device, model.dtype, size, group, MAX_ROWS, kv_heads)


@torch.inference_mode()
def switch_over(model: PreTrainedModel) -> str | None:
    """Switch ``model`` over; why it had to be switched back, ``None`` where it stays."""
    before = model.config._attn_implementation
    told: str | None = "the model's attention cannot be exchanged"
    try:
        right = _logits(model)
        use_tree_attention(model)
        if model.config._attn_implementation != before:
            error = (_logits(model) - right).norm(dim=-1) / right.norm(dim=-1)
            is_right = bool(error.max() < TOLERANCE.get(model.dtype, 1e-3))
            told = None if is_right else "the model's attention is more than the kernels compute"
    except Exception as error:  # a library's or a compiler's: any type
        told = last_line(error)
    if told is not None:
        model.set_attn_implementation(before)
    return told


def _logits(model: PreTrainedModel) -> torch.Tensor:
    """[N, V] of a small tree's nodes behind a short prompt, read as the decoder reads it."""
    context = Context(model, len(PROMPT) + len(PARENTS), "trial")
    vocab = model.config.get_text_config().vocab_size
    context.prefill([token % vocab for token in PROMPT])
    return context.extend([token % vocab for token in TREE], PARENTS).float()


@cache
def _say(chosen: KernelPath) -> None:
    """Once a process for each choice."""
    print(f"trees are verified by {chosen.name}: {chosen.reason}", file=sys.stderr, flush=True)
