"""An instrumented speculative decoder: models in, an iterator of ``Round`` out.

Dimension letters: B batch, T context, N nodes of a tree, K draft length, V vocabulary,
L layers, H heads, D head size.

Names are handed on when first used, so that records, trees and statistics import without
torch.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Bundle": "bundle",
    "DecodeConfig": "config",
    "CutShortError": "cut_short",
    "NoRoomError": "no_room",
    "Round": "records",
    "Run": "decoding",
    "StoppedError": "cut_short",
    "Trace": "trace",
    "TraceError": "trace",
    "best_device": "place",
    "decode": "decoding",
    "fit_threads": "threads",
    "leave_a_core": "threads",
    "load": "models",
    "measure_plain": "decoding",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    value = getattr(import_module(f"engine.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
