"""choose: which implementation a run uses, after the kernels were tried on its very device.

``SPECULOSCOPE_KERNELS`` is auto (the default), triton, flex or reference.  What was asked for
runs only where it can and where it gives the right result; a slower path runs everywhere.
"""

import torch

from kernels.device import Choice, attention_path, free_bytes, refuse
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
    if choice.path == "triton":
        found = _too_full(device, nodes * group * kv_heads * head_size) or fault(*shape, nodes)
        if found is None:
            return choice
        refuse(device, "triton", found)
        choice = attention_path(*shape, nodes)
    if choice.path == "flex" and (found := flex_fault(*shape, nodes)) is not None:
        refuse(device, "flex", found)
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
    shape = (device, dtype, head_size, group)
    path = attention_path(*shape, nodes).path
    if path == "triton":
        is_full = _too_full(device, nodes * group * kv_heads * head_size) is not None
        return not is_full and fault(*shape, nodes) is None
    return path == "flex" and flex_fault(*shape, nodes) is None


def _too_full(device: torch.device, numbers: int) -> str | None:
    """Why the parts that the kernel merges, fp32 each, find no room; ``None`` where they do.

    Args:
        numbers: of the attention's result for the largest tree.
    """
    free, needed = free_bytes(device), MAX_SPLITS * numbers * 4
    if free is None or free >= needed:
        return None
    return f"{free >> 20} MiB are free on {device}, and the kernel may need {needed >> 20}"
