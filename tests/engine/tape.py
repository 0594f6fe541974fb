"""What a CUDA graph does, on a CPU: operators noted once, then done again at the same addresses.

Python does not run in a replay, so that a number it looked at while the tape was made is the
same for ever.  What may not be captured is refused, as CUDA refuses it.
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

aten = torch.ops.aten
READS = {  # the host waits for a number, or for a size
    aten._local_scalar_dense.default,
    aten.nonzero.default,
    aten.masked_select.default,
    aten.equal.default,
    aten.is_nonzero.default,
    aten._unique2.default,
    aten.unique_dim.default,
    aten.repeat_interleave.Tensor,
}
MADE_BY_THE_HOST = {aten.lift_fresh.default, aten.lift_fresh_copy.default}  # torch.tensor(...)


class Tape(TorchDispatchMode):
    """Notes the operators of a step while it is done."""

    def __init__(self):
        super().__init__()
        self.notes = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if waits(func, args):
            raise RuntimeError(f"operation not permitted when stream is capturing: {func}")
        out = func(*args, **(kwargs or {}))
        self.notes.append((func, args, kwargs or {}, out))
        return out

    def replay(self):
        """Do all of it again; what was new memory then is written over now."""
        with torch.inference_mode():
            for func, args, kwargs, old in self.notes:
                given = {t.untyped_storage().data_ptr() for t in tensors((args, kwargs))}
                new = func(*args, **kwargs)
                for was, now in zip(tensors(old), tensors(new), strict=True):
                    if was.untyped_storage().data_ptr() not in given:
                        was.copy_(now)


def record(step):
    """As ``engine.device.graphs`` captures: warmed up, then taped."""
    for _ in range(2):
        step()
    tape = Tape()
    with tape:
        told = step()
    return tape, told


def waits(func, args):
    """Whether the host waits for the device in a call: for a number, a size, or its own list.

    An index that is a mask has the size of the ones in it.
    """
    if func in (aten.index.Tensor, aten.index_put_.default):
        return any(t is not None and t.dtype == torch.bool for t in args[1])
    return func in READS or func in MADE_BY_THE_HOST


def tensors(tree):
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]
