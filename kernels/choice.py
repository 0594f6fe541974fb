"""choose: which implementation a run uses, after the kernels were tried on its very device.

``SPECULOSCOPE_KERNELS`` is auto (the default), triton, flex or reference.  What was asked for
runs only where it can and where it gives the right result; a slower path runs everywhere.
"""

import torch

from kernels.device import Choice, Path, attention_path, free_bytes, refuse
from kernels.reason import last_line
from kernels.tiles import MAX_SPLITS
from kernels.trials import fault, flex_fault


def choose(
    device: torch.device,
    dtype: torch.dtype,
    head_size: int,
    group: int,
    nodes: int,
    kv_heads: int = 1,
) -> Choice:
    """Which path runs for a model, and the reason as a clause: "triton: it can run here".

    Compiles and tries the kernels once a process for each device and shape, which takes
    seconds; a path that fails on a device or gives a wrong result there is not taken again.

    Args:
        device: the model's.
        dtype: of its keys and values.
        head_size: of its heads.
        group: query heads for each key head.
        nodes: of the largest tree.
        kv_heads: key heads of a layer.
    """
    shape = (device, dtype, head_size, group)
    choice = attention_path(*shape, nodes)
    while (found := _wrong(choice.path, *shape, nodes, kv_heads)) is not None:
        refuse(device, choice.path, found)
        choice = attention_path(*shape, nodes)
    return choice


def is_fit(
    device: torch.device,
    dtype: torch.dtype,
    head_size: int,
    group: int,
    nodes: int,
    kv_heads: int = 1,
) -> bool:
    """Whether what ``choose`` would take for such a shape is right; arguments as there.

    Nothing is refused for it: where it is not, other shapes keep what they have.
    """
    shape = (device, dtype, head_size, group, nodes)
    path = attention_path(*shape).path
    return path != "reference" and why_unfit(*shape, kv_heads) is None


def why_unfit(
    device: torch.device,
    dtype: torch.dtype,
    head_size: int,
    group: int,
    nodes: int,
    kv_heads: int = 1,
) -> str | None:
    """What ``choose`` would refuse a path for, as a clause; arguments as there.

    Nothing is refused for it, as for ``is_fit``.
    """
    shape = (device, dtype, head_size, group, nodes)
    return _wrong(attention_path(*shape).path, *shape, kv_heads)


def _wrong(
    path: Path,
    device: torch.device,
    dtype: torch.dtype,
    head_size: int,
    group: int,
    nodes: int,
    kv_heads: int,
) -> str | None:
    """What is wrong with ``path`` there, as a clause; ``None`` where nothing is."""
    shape = (device, dtype, head_size, group, nodes)
    try:
        if path == "triton":
            return _too_full(device, nodes * group * kv_heads * head_size) or fault(*shape)
        return flex_fault(*shape) if path == "flex" else None
    except torch.OutOfMemoryError as error:
        return f"the trial of {path} found no room: {last_line(error)}"


def _too_full(device: torch.device, numbers: int) -> str | None:
    """Why the parts that the kernel merges, fp32 each, find no room; ``None`` where they do.

    Args:
        numbers: of the attention's result for the largest tree.
    """
    free, needed = free_bytes(device), MAX_SPLITS * numbers * 4
    if free is None or free >= needed:
        return None
    return f"{free >> 20} MiB are free on {device}, and the kernel may need {needed >> 20}"
