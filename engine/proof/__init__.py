"""Proofs that a method's text is the target's own: token by token, or in distribution.

Names are handed on when first used: the records and the comparison of texts need no torch.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "BLOCK_RULES": "block",
    "Continuation": "continuation",
    "Equality": "results",
    "Fit": "results",
    "Subject": "results",
    "block_fits": "words",
    "compare": "equality",
    "describe": "words",
    "describe_block": "words",
    "fits": "words",
    "meet_round": "round",
    "num_drawn": "trials",
    "taken": "trials",
    "pair_law": "block",
    "verify_blocks": "block",
    "verify_many": "trials",
    "why_not": "trials",
    "why_not_block": "block",
    "worth": "trials",
    "worth_block": "block",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'engine.proof' has no attribute {name!r}")
    value = getattr(import_module(f"engine.proof.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
