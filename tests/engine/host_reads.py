"""Counts how often the host waits for the device: every way for a number to get from it to us.

On CPU tensors nobody waits, but the same calls are made.  Operators of ours are seen as one
call each: what their CPU versions look at, the GPU's kernels do not.
"""

from contextlib import contextmanager

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode

from tests.engine.tape import waits

CALLS = {  # ways around the dispatcher on a CPU, and waits that move nothing
    torch.Tensor: ("tolist", "numpy", "cpu", "__array__"),
    torch.cuda: ("synchronize",),
    torch.cuda.Event: ("synchronize",),
    torch.cuda.Stream: ("synchronize",),
}


class HostReads(TorchDispatchMode):
    """Names of the calls that would have waited."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if waits(func, args):
            self.found.append(str(func))  # a tensor from a list is copied there, waiting too
        return func(*args, **(kwargs or {}))


@contextmanager
def host_reads():
    """The calls that were made inside; from our own operators none."""
    reads = HostReads()
    with pytest.MonkeyPatch.context() as patch:
        for home, names in CALLS.items():
            for name in names:
                patch.setattr(home, name, _noting(reads, name, getattr(home, name)))
        patch.setattr(torch.Tensor, "to", _noting_to(reads, torch.Tensor.to))
        with reads:
            yield reads.found


def _noting(reads, name, call):
    def noted(*args, **kwargs):
        if _get_current_dispatch_mode() is reads:
            reads.found.append(name)
        return None if name == "synchronize" else call(*args, **kwargs)

    return noted


def _noting_to(reads, call):
    def noted(self, *args, **kwargs):
        # by name: models move tensors to where they are, which is a ``torch.device`` here
        is_here = "cpu" in [one for one in (*args, *kwargs.values()) if isinstance(one, str)]
        if is_here and _get_current_dispatch_mode() is reads:
            reads.found.append("to")
        return call(self, *args, **kwargs)

    return noted
