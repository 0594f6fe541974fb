"""What a device can run: Triton's kernels, flex_attention, or torch's own operations alone."""

import sys
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import cache, wraps
from typing import Literal, NamedTuple, ParamSpec, TypeVar

import torch

from kernels.attention_shape import AttentionShape
from kernels.language import HAS_TRITON, IS_INTERPRETED, TritonError, wish
from kernels.reason import last_line
from kernels.tiles import tile_for, unsupported

Path = Literal["triton", "flex", "reference"]

P, R = ParamSpec("P"), TypeVar("R")

OLDEST = 8  # major compute capability that the kernels are compiled for

_refused: dict[tuple[torch.device, Path], str] = {}  # what failed its check there, and how


class Choice(NamedTuple):
    """Which implementation runs, and why, as a clause to print."""

    path: Path
    reason: str


class Card(NamedTuple):
    """What of a card decides how a kernel is launched."""

    name: str
    major: int  # compute capability
    minor: int
    shared: int  # bytes of shared memory that one block may use
    processors: int  # streaming multiprocessors


class LaunchError(RuntimeError):
    """A kernel could not be compiled or launched: nothing has run, a slower path can.

    Attributes:
        device: where.
        why: a clause.
    """

    def __init__(self, device: torch.device, kernel: str, error: Exception) -> None:
        super().__init__(last_line(error))
        self.device, self.why = device, f"kernel {kernel} failed: {last_line(error)}"


def on_its_device(launch: Callable[P, R]) -> Callable[P, R]:
    """``launch`` with the card of its tensors as the current one: Triton launches on that.

    What the compiler says of it is a ``LaunchError``.
    """

    @wraps(launch)
    def launched(*args: P.args, **more: P.kwargs) -> R:
        device = _device_of((*args, *more.values()))
        with torch.cuda.device(device) if device.type == "cuda" else nullcontext():
            try:
                return launch(*args, **more)
            except TritonError as error:
                kernel = launch.__name__.removesuffix("_triton")
                raise LaunchError(device, kernel, error) from error

    return launched


def _device_of(values: Iterable[object]) -> torch.device:
    """Of the first tensor, within a tuple too."""
    tensors = (value[0] if isinstance(value, tuple) else value for value in values)
    return next(tensor.device for tensor in tensors if isinstance(tensor, torch.Tensor))


def refuse(device: torch.device, path: Path, reason: str) -> None:
    """Let ``path`` not run on ``device`` any more."""
    _refused[device, path] = reason


def give_way(error: LaunchError) -> None:
    """Let a slower path run from now on where a kernel failed, and say why."""
    refuse(error.device, "triton", error.why)
    print(f"triton runs no more on {error.device}: {error.why}", file=sys.stderr, flush=True)


def without_triton(device: torch.device) -> str | None:
    """Why Triton cannot run on ``device``, as a clause; ``None`` where it can."""
    if (device, "triton") in _refused:
        return _refused[device, "triton"]
    if not HAS_TRITON:
        return "triton is not installed"
    if IS_INTERPRETED:
        return None
    if device.type != "cuda":
        return f"Triton needs a CUDA card, not {device.type}"
    if torch.version.hip is not None:
        return "the kernels were never tried on AMD cards"
    card = card_of(device)
    if card.major < OLDEST:
        return f"{card.name} has compute capability {card.major}.{card.minor}, below {OLDEST}.0"
    return None


def runs_triton(device: torch.device) -> bool:
    """Whether the ops without a flex_attention path run their kernel on ``device``."""
    asked = wish()
    wishes = ("triton",) if IS_INTERPRETED else ("auto", "triton")  # interpreted: for tests only
    return asked in wishes and without_triton(device) is None


def attention_path(shape: AttentionShape) -> Choice:
    """Which tree attention runs for this shape; what was asked for only where it can."""
    asked, (device, dtype, head_size, group, nodes, _) = wish(), shape
    if asked == "reference":
        return Choice("reference", "asked for")
    why_not = unsupported(dtype, head_size, group, nodes) or without_triton(device)
    why_not = why_not or _without_tile(device, dtype, head_size)
    if why_not is None and runs_triton(device):
        return Choice("triton", "asked for" if asked == "triton" else "it can run here")
    if asked == "flex":
        no_flex = _without_flex(device, dtype)
        return Choice("reference", no_flex) if no_flex else Choice("flex", "asked for")
    why_not = why_not or "an interpreter is no fast path"
    if device.type != "cuda":  # uncompiled it is no faster than SDPA
        return Choice("reference", why_not)
    no_flex = _without_flex(device, dtype)
    return Choice("reference", f"{why_not}; {no_flex}") if no_flex else Choice("flex", why_not)


def _without_tile(device: torch.device, dtype: torch.dtype, head_size: int) -> str | None:
    """Why no configuration of the kernel fits on the card, as a clause."""
    card = card_of(device)
    if tile_for(dtype, head_size, 1, card.major, card.shared) is not None:
        return None
    return f"a block has {card.shared} bytes of shared memory on {card.name}, too few for a tile"


def _without_flex(device: torch.device, dtype: torch.dtype) -> str | None:
    """Why flex_attention cannot run on ``device``, as a clause; ``None`` where it can."""
    if (device, "flex") in _refused:
        return _refused[device, "flex"]
    if device.type == "cpu":
        return None
    if device.type != "cuda":
        return f"flex_attention needs a CUDA card, not {device.type}"
    if not HAS_TRITON:
        return "flex_attention is compiled with triton, which is not installed"
    return f"flex_attention does not compute in {dtype}" if dtype == torch.float64 else None


@cache
def card_of(device: torch.device) -> Card:
    """What the tiles are chosen by; what the interpreter has where there is no card."""
    if device.type != "cuda":
        return Card("an interpreter", 9, 0, 1 << 30, 4)
    told = torch.cuda.get_device_properties(device)
    # AMD's have no such figure; no kernel of ours runs there
    shared = getattr(told, "shared_memory_per_block_optin", told.shared_memory_per_block)
    return Card(told.name, told.major, told.minor, shared, told.multi_processor_count)


def free_bytes(device: torch.device) -> int | None:
    """Memory that may still be taken on ``device``; ``None`` where nobody counts it."""
    if device.type != "cuda":
        return None
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + unused
