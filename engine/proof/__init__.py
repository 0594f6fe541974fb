"""Proofs that a method's text is the target's own: token by token, or in distribution.

Names are handed on when first used: the records and the comparison of texts need no torch.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Equality": "results",
    "Fit": "results",
    "Subject": "results",
    "compare": "equality",
    "describe": "describe",
    "fits": "describe",
    "meet_round": "round",
    "verify_many": "trials",
    "why_not": "trials",
    "worth": "trials",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'engine.proof' has no attribute {name!r}")
    value = getattr(import_module(f"engine.proof.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
