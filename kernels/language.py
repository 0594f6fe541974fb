"""Triton where it is installed, and a stand-in that lets this folder be imported where not."""

import os
from typing import Any


class _Absent:
    """Answers every attribute with itself and decorates by doing nothing, with options too."""

    def __getattr__(self, name: str) -> "_Absent":
        return self

    def __call__(self, function: Any = None, *_: object, **__: object) -> Any:
        return self if function is None else function


try:
    import triton
    import triton.language as tl
    from triton import TritonError
except ImportError:  # macOS, Windows: torch alone runs there
    triton = tl = _Absent()

    class TritonError(Exception):
        """What a compiler says that is not there."""


HAS_TRITON = not isinstance(triton, _Absent)
# Read once, as triton does: its own library is decorated when it is imported.
IS_INTERPRETED = HAS_TRITON and bool(triton.knobs.runtime.interpret)
WISH = "SPECULOSCOPE_KERNELS"  # auto, triton, flex or reference


def wish() -> str:
    """What the environment asks for; ``ValueError`` where it is no such word."""
    word = os.environ.get(WISH, "auto")
    if word not in ("auto", "triton", "flex", "reference"):
        raise ValueError(f"{WISH} is auto, triton, flex or reference, not {word!r}")
    return word
