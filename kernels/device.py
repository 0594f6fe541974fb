"""What a device can run: Triton's kernels, flex_attention, or torch's own operations alone."""

from functools import cache
from typing import Literal, NamedTuple

import torch

from kernels.language import HAS_TRITON, IS_INTERPRETED, wish
from kernels.tiles import tile_for, unsupported

Path = Literal["triton", "flex", "reference"]

_refused: dict[torch.device, str] = {}  # devices whose kernels failed their check, and how


class Choice(NamedTuple):
    """Which implementation runs, and why, as a clause to print."""

    path: Path
    reason: str


class Card(NamedTuple):
    """What of a card decides how a kernel is launched."""

    major: int  # compute capability
    shared: int  # bytes of shared memory that one block may use
    processors: int  # streaming multiprocessors


def refuse(device: torch.device, reason: str) -> None:
    """Let no Triton kernel run on ``device`` any more."""
    _refused[device] = reason


def without_triton(device: torch.device) -> str | None:
    """Why Triton cannot run on ``device``, as a clause; ``None`` where it can."""
    if device in _refused:
        return _refused[device]
    if not HAS_TRITON:
        return "triton is not installed"
    if IS_INTERPRETED:
        return None
    if device.type != "cuda":
        return f"Triton needs a CUDA card, not {device.type}"
    if torch.version.hip is not None:
        return "the kernels were never tried on AMD cards"
    if card_of(device).major < 8:
        name = torch.cuda.get_device_name(device)
        return f"{name} has compute capability below 8.0"
    return None


def runs_triton(device: torch.device) -> bool:
    """Whether the ops without a flex_attention path run their kernel on ``device``."""
    asked = wish()
    wishes = ("triton",) if IS_INTERPRETED else ("auto", "triton")  # interpreted: for tests only
    return asked in wishes and without_triton(device) is None


def attention_path(
    device: torch.device, dtype: torch.dtype, head_size: int, group: int, nodes: int
) -> Choice:
    """Which tree attention runs for this shape; what was asked for only where it can."""
    asked = wish()
    if asked == "reference":
        return Choice("reference", "asked for")
    why_not = unsupported(dtype, head_size, group, nodes) or without_triton(device)
    card = card_of(device)
    if why_not is None and tile_for(dtype, head_size, 1, card.major, card.shared) is None:
        why_not = f"a block has {card.shared} bytes of shared memory here, too few for it"
    if why_not is None and runs_triton(device):
        return Choice("triton", "asked for" if asked == "triton" else "it can run here")
    if asked == "flex" and device.type == "cpu":
        return Choice("flex", "asked for")
    can_flex = device.type == "cuda" and HAS_TRITON and dtype != torch.float64
    reason = "asked for" if asked == "flex" else why_not or "an interpreter is no fast path"
    return Choice("flex" if can_flex else "reference", reason)


@cache
def card_of(device: torch.device) -> Card:
    """What the tiles are chosen by; what the interpreter has where there is no card."""
    if device.type != "cuda":
        return Card(9, 1 << 30, 4)
    told = torch.cuda.get_device_properties(device)
    return Card(told.major, told.shared_memory_per_block_optin, told.multi_processor_count)
