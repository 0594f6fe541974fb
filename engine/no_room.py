"""A run that memory has no room for: an error to catch, whose message is for the user.

What an allocator says is read here and nowhere else in the decoder; other errors of a library
are left as they are.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from engine.cut_short import CutShortError
from kernels.reason import first_line

CPU = "DefaultCPUAllocator: "  # what torch's own says stands behind it
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


class NoRoomError(CutShortError):
    """A cache or a pass that does not fit in memory."""

    reason = "memory"


@contextmanager
def cache_fits(name: str, slots: int, slot_bytes: int, like: torch.Tensor) -> Iterator[None]:
    """Say which cache it is that memory is refused to.

    Args:
        slot_bytes: of one slot over all layers, keys and values.
        like: a row as it is to be stored: tells device and dtype.

    Raises:
        NoRoomError: the allocator had no room.
    """
    with _saying(lambda _: _cache(name, slots, slot_bytes, like)):
        yield


@contextmanager
def passes_fit(doing: str) -> Iterator[None]:
    """Say what was being done when memory gave out beside the caches.

    Raises:
        NoRoomError: an allocator had no room; what one of its kind has said goes on as it is.
    """
    with _saying(lambda error: _pass(doing, error)):
        yield


@contextmanager
def _saying(words: Callable[[RuntimeError], str]) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if not _is_refusal(error):
            raise
        raise NoRoomError(words(error)) from error


def _is_refusal(error: RuntimeError) -> bool:
    """Whether an allocator speaks: those of cards have an error of their own, most of them."""
    said = str(error)
    return isinstance(error, torch.OutOfMemoryError) or CPU in said or "out of memory" in said


def _cache(name: str, slots: int, slot_bytes: int, like: torch.Tensor) -> str:
    """What was asked for, and what would ask for less."""
    dtype = str(like.dtype).removeprefix("torch.")
    less = ", a shorter prompt or a smaller dtype" if like.itemsize > 2 else " or a shorter prompt"
    return (
        f"The {name} cache does not fit in memory: {slots:,} slots (the prompt, the new tokens and "
        f"one round's nodes) of {_size(slot_bytes)} each take {_size(slots * slot_bytes)} on "
        f"{like.device}, in {dtype}. Fewer new tokens{less} would take less."
    )


def _pass(doing: str, error: RuntimeError) -> str:
    said = first_line(error)
    said = said.partition(CPU)[2] or said
    return (
        f"Memory gave out {doing} ({said.rstrip('.')}). Fewer new tokens, a shorter prompt, a "
        "smaller tree or a smaller dtype would take less."
    )


def _size(count: int) -> str:
    """Bytes in the unit that leaves them a whole part."""
    power = min(max(0, count.bit_length() - 1) // 10, len(UNITS) - 1)
    return f"{count / 1024**power:,.1f}".removesuffix(".0") + f" {UNITS[power]}"
