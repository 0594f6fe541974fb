"""choose: which implementation a run uses, after the kernels were tried on its very device.

``SPECULOSCOPE_KERNELS`` is auto (the default), triton, flex or reference.  What was asked for
runs only where it can and where it gives the right result; a slower path runs everywhere.
"""

import torch

from kernels.attention_shape import AttentionShape
from kernels.device import Choice, Path, attention_path, free_bytes, refuse
from kernels.reason import last_line
from kernels.tiles import MAX_SPLITS
from kernels.trials import fault, flex_fault


def choose(shape: AttentionShape) -> Choice:
    """Which path runs for a model, and the reason as a clause: "triton: it can run here".

    Compiles and tries the kernels once a process for each device and shape, which takes
    seconds; a path that fails on a device or gives a wrong result there is not taken again.
    """
    choice = attention_path(shape)
    while (found := _wrong(choice.path, shape)) is not None:
        refuse(shape.device, choice.path, found)
        choice = attention_path(shape)
    return choice


def is_fit(shape: AttentionShape) -> bool:
    """Whether what ``choose`` would take for ``shape`` is right; see ``why_unfit``."""
    return attention_path(shape).path != "reference" and why_unfit(shape) is None


def why_unfit(shape: AttentionShape) -> str | None:
    """What ``choose`` would refuse a path for, as a clause; ``None`` where nothing is wrong.

    Nothing is refused for it: other shapes keep what they have.
    """
    return _wrong(attention_path(shape).path, shape)


def _wrong(path: Path, shape: AttentionShape) -> str | None:
    """What is wrong with ``path`` there, as a clause; ``None`` where nothing is."""
    try:
        if path == "triton":
            return _too_full(shape) or fault(shape)
        return flex_fault(shape) if path == "flex" else None
    except torch.OutOfMemoryError as error:
        return f"the trial of {path} found no room: {last_line(error)}"


def _too_full(shape: AttentionShape) -> str | None:
    """Why the parts that the kernel merges, fp32 each, find no room; ``None`` where they do."""
    numbers = shape.nodes * shape.group * shape.kv_heads * shape.head_size  # of the result
    free, needed = free_bytes(shape.device), MAX_SPLITS * numbers * 4
    if free is None or free >= needed:
        return None
    return f"{free >> 20} MiB are free on {shape.device}, and the kernel may need {needed >> 20}"
