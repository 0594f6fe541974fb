"""Records in, figures out: one file per figure; never a model, a tensor or a statistic of its own.

A figure is a record of what it shows (``*Info``), a pure drawing of it as a plain dict
``{"data", "layout"}`` in which colours are roles, and patches that take it through the steps
of a round.  ``viz.show(trace)`` is the whole player in a notebook.
"""

from importlib import import_module
from typing import Any

__all__ = ["show"]


def __getattr__(name: str) -> Any:
    if name != "show":
        raise AttributeError(f"module 'viz' has no attribute {name!r}")
    return import_module("viz.notebook").show
