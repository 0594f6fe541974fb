"""What a layout takes out of a heads file, key by key: nothing may be left over or lacking."""

from collections.abc import Sequence

import torch
from safetensors import SafetensorError
from torch import Tensor

from engine.heads.checkpoint import HeadError, HeadFile
from kernels.reason import first_line

_WEIGHTS = {getattr(torch, n): n for n in ("float64", "float32", "float16", "bfloat16")}
_IDS = {getattr(torch, name): name for name in ("int64", "int32", "bool")}


class Claims:
    """What a layout takes out of a file; ``finish`` complains of all that did not match."""

    def __init__(self, file: HeadFile) -> None:
        self.file = file
        self._left = set(file.shapes)
        self._missing: list[str] = []
        self._wrong: list[str] = []

    def take(self, key: str, shape: Sequence[int], *, is_weight: bool = True) -> Tensor:
        """The tensor ``key``, which must have ``shape`` and hold finite numbers alone.

        Where it does not, that is noted for ``finish`` and zeros stand in.

        Args:
            is_weight: floating-point numbers are expected, whole ones or flags else.
        """
        self._left.discard(key)
        found = self.file.shapes.get(key)
        if found == tuple(shape):
            try:
                value = tensor(self.file, key)
                fault = _fault(value, is_weight)
                if fault is None:
                    return value
                self._wrong.append(f"{key}: {fault}")
            except HeadError as error:
                self._wrong.append(str(error))
        elif found is None:
            self._missing.append(key)
        else:
            self._wrong.append(f"{key}: expected {list(shape)}, found {list(found)}")
        return torch.zeros(()).expand(tuple(shape))

    def lack(self, key: str, shape: Sequence[int]) -> Tensor:
        """Note that there is no ``key``; zeros stand in."""
        self._missing.append(key)
        return torch.zeros(()).expand(tuple(shape))

    def skip(self, key: str) -> None:
        """Leave ``key`` unread: it is known and not needed."""
        self._left.discard(key)

    def finish(self) -> None:
        """Refuse the file unless every key was taken and every one taken was right.

        Raises:
            HeadError: names the keys.
        """
        parts = list(self._wrong)
        parts += [f"missing: {_listed(self._missing)}"] if self._missing else []
        parts += [f"not known: {_listed(sorted(self._left))}"] if self._left else []
        if parts:
            raise HeadError(f"{self.file.path.name} does not fit ({'; '.join(parts)})")


def tensor(file: HeadFile, key: str) -> Tensor:
    """The tensor ``key`` as numbers that torch can calculate with.

    Raises:
        HeadError: names the key; a file may claim kinds of numbers that nothing here reads.
    """
    try:
        value = file.get(key)
        if value.is_floating_point() and value.element_size() == 1:
            return value.float()  # torch can do little with eight bits
    except (SafetensorError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        raise HeadError(f"{key}: cannot be read: {first_line(error)}") from error
    return value


def _fault(value: Tensor, is_weight: bool) -> str | None:
    """What is wrong with the numbers in a tensor."""
    kinds = _WEIGHTS if is_weight else _IDS
    if value.dtype not in kinds:
        return f"holds {str(value.dtype).removeprefix('torch.')}, not {' or '.join(kinds.values())}"
    if is_weight and not bool(value.isfinite().all()):
        return "holds values that are not finite"
    return None


def _listed(keys: Sequence[str], most: int = 40) -> str:
    """Keys in a sentence; a file for quite another model has hundreds."""
    more = f" and {len(keys) - most} more" if len(keys) > most else ""
    return ", ".join(f"{key:.100}" for key in keys[:most]) + more
