"""Heads beside their target: the words they read and the logits they give, once per bundle.

The target's embedding and head are shared where the file has none of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from engine.draft_vocab import DraftVocab

CHILDREN = 10  # a planned node has at the most; what a level costs is timed with as many


@dataclass(frozen=True, slots=True)
class Attached:
    """Heads, ready to draft for one target.

    Attributes:
        head: the module.
        embed: token ids [...] to words [..., H].
        lm_head: states [..., H] to logits [..., Vd].
        vocab: which tokens these are of.
        taps: numbers of the target's hidden states that the heads read.
    """

    head: nn.Module
    embed: Callable[[Tensor], Tensor]
    lm_head: Callable[[Tensor], Tensor]
    vocab: DraftVocab
    taps: tuple[int, ...]
