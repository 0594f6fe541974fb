"""A device that is not there: the CPU computes what lies on it, and nothing may be mixed with it.

Under ``elsewhere()`` the name ``meta`` means that device, so that code for a GPU is tried without.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

AWAY, HERE = torch.device("meta"), torch.device("cpu")
MOVES = ("_to_copy", "to", "copy_")
PICKS = ("index", "index_put_", "_index_put_impl_")  # by indices that may lie on the CPU


class Away(torch.Tensor):
    """A tensor on that device; ``near`` has its values."""

    @staticmethod
    def __new__(cls, near):
        shape, told = near.shape, dict(strides=near.stride(), dtype=near.dtype, device=AWAY)
        return torch.Tensor._make_wrapper_subclass(cls, shape, **told)

    def __init__(self, near):
        self.near = near

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return dispatch(func, args, kwargs or {})

    def tolist(self):
        return self.near.tolist()


class _Machine(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return dispatch(func, args, kwargs or {})


def dispatch(func, args, kwargs):
    """``func`` as a machine with that device does it, or refuses to."""
    leaves, name = tree_leaves((args, kwargs)), func.overloadpacket.__name__
    tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
    is_away = [isinstance(tensor, Away) for tensor in tensors]
    may_mix = name in MOVES or (name in PICKS and is_away[0])
    if any(is_away) and not may_mix:
        near = [tensor for tensor, away in zip(tensors, is_away, strict=True) if not away]
        assert all(tensor.ndim == 0 for tensor in near), f"{func} mixes devices"
    named = next((leaf for leaf in leaves if isinstance(leaf, torch.device)), None)
    lands = named == AWAY if named else is_away[0] if name == "copy_" else any(is_away)
    near_args, near_kwargs = tree_map(_near, (args, kwargs))
    found = func(*near_args, **near_kwargs)
    if name.startswith("__i") or (name.endswith("_") and not name.endswith("__")):
        return args[0]  # in place
    if not lands:
        return found
    return tree_map(lambda out: Away(out) if isinstance(out, torch.Tensor) else out, found)


def _near(value):
    if isinstance(value, torch.device):
        return HERE
    return value.near if isinstance(value, Away) else value


def move(model: nn.Module) -> nn.Module:
    """``model`` with all its tensors on that device."""
    for module in model.modules():
        for columns in (module._parameters, module._buffers):
            for name, kept in columns.items():
                if kept is not None:
                    away = Away(kept.detach())
                    is_weight = columns is module._parameters
                    columns[name] = nn.Parameter(away, requires_grad=False) if is_weight else away
    return model


@contextmanager
def elsewhere() -> Iterator[None]:
    """The device is there; ``torch.tensor``, which no mode sees, makes its tensors and moves."""
    plain = torch.tensor

    def tensor(data, device=None, **told):
        made = plain(data, **told)
        return made if device is None else made.to(device)

    with pytest.MonkeyPatch.context() as patch, _Machine():
        patch.setattr(torch, "tensor", tensor)
        yield
