"""The part of a target's output layer that speaks a draft vocabulary: a cheaper law.

As in FR-Spec (Zhao et al., 2025, arXiv 2502.14856): most of what a small head costs is spent on
rare tokens.
"""

from torch import Tensor, nn
from transformers import PreTrainedModel


def lm_head_rows(target: PreTrainedModel, ids: Tensor) -> nn.Linear | None:
    """Rows ``ids`` [Vd] of the target's output layer, in memory of their own.

    ``None`` where that layer is packed and no embedding is tied to it.
    """
    full, bias = target.get_output_embeddings(), None
    if type(full) is nn.Linear:
        bias = full.bias
    elif target.config.get_text_config().tie_word_embeddings:
        full = target.get_input_embeddings()
    else:
        return None
    ids = ids.to(full.weight.device)
    rows = nn.Linear(full.weight.shape[1], len(ids), bias is not None, dtype=full.weight.dtype)
    rows.weight = nn.Parameter(full.weight[ids], requires_grad=False)
    if bias is not None:
        rows.bias = nn.Parameter(bias[ids], requires_grad=False)
    return rows
