"""A heads file: found, and opened without running anything in it.

It knows files and tensors, and no method's layout.
"""

import json
import os
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from huggingface_hub import hf_hub_download, snapshot_download
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from engine.fetch import has_network

CONFIG, WEIGHTS = "config.json", "model.safetensors"
SUFFIXES = (".safetensors", ".pt", ".bin")  # by preference: of one name, a pickle comes last
MAX_BYTES = 16 * 2**30  # Medusa's five heads with their own vocabularies for a 70B model: 11 GB
MAX_JSON_BYTES = 2**20
MAX_KEYS = 10_000
_BROKEN = (SafetensorError, UnpicklingError, RuntimeError, OSError, EOFError)
_BROKEN += (ValueError, KeyError, TypeError, AttributeError, IndexError)


class HeadError(ValueError):
    """Heads that cannot be used; the message is written for the user."""


@dataclass(frozen=True, slots=True)
class HeadFile:
    """The tensors of one file, each read when it is asked for, and the config beside them.

    Attributes:
        config: parsed ``config.json``; empty where there is none.
        shapes: of every tensor in the file, by key.
        get: reads one tensor, in the file's dtype, on the CPU.
    """

    path: Path
    config: Mapping[str, Any]
    shapes: Mapping[str, tuple[int, ...]]
    get: Callable[[str], Tensor]

    def sizes(self, key: str, dimensions: int) -> tuple[int, ...]:
        """The shape of a tensor from which others' shapes follow.

        Raises:
            HeadError: it has not so many dimensions, or one of no length.
        """
        shape = self.shapes[key]
        if len(shape) != dimensions or not all(shape):
            raise HeadError(f"{key}: expected {dimensions} dimensions, found {list(shape)}")
        return shape


def open_heads(home: str | Path, stems: Sequence[str]) -> HeadFile:
    """Find and open a heads file.

    Args:
        home: a folder, a file, or a Hub id (of which only the cache is asked without a network).
        stems: names that the file may have, without their ending, by preference.

    Raises:
        HeadError: there is none, or it is cut short, too large, in parts, or not plain tensors.
    """
    path = find(home, [stem + suffix for stem in stems for suffix in SUFFIXES])
    if path is None:
        _refuse_parts(home, stems)
        raise HeadError(f"there is no {' or '.join(stems)} ({', '.join(SUFFIXES)}) in {home}")
    if path.suffix not in SUFFIXES:
        raise HeadError(f"{path.name} is no heads file: those end in {', '.join(SUFFIXES)}")
    if path.stat().st_size > MAX_BYTES:
        raise HeadError(f"{path.name} is larger than {MAX_BYTES >> 30} GiB")
    shapes, get = (_safe if path.suffix == SUFFIXES[0] else _pickled)(path)
    if len(shapes) > MAX_KEYS:
        raise HeadError(f"{path.name} holds {len(shapes)} tensors, more than any heads have")
    beside = path.parent if os.path.isfile(home) else home
    return HeadFile(path, read_json(beside, CONFIG) or {}, shapes, get)


def find(home: str | Path, names: Sequence[str]) -> Path | None:
    """The first of ``names`` that is in ``home``; ``home`` itself where it is a file."""
    if os.path.isfile(home):
        return Path(home)
    if os.path.isdir(home):
        return next((path for name in names if (path := Path(home) / name).is_file()), None)
    return next((path for name in names if (path := _from_hub(str(home), name))), None)


def read_json(home: str | Path, name: str) -> dict[str, Any] | None:
    """The object in a small JSON file of a folder or Hub id; ``None`` where there is none."""
    path = find(home, [name])
    if path is None:
        return None
    value = parsed(path)
    if not isinstance(value, dict):
        raise HeadError(f"{name} holds no object")
    return value


def parsed(path: Path) -> Any:
    """The value in a small JSON file; some editors put a byte order mark before it.

    Raises:
        HeadError: names the file.
    """
    try:
        if path.stat().st_size <= MAX_JSON_BYTES:
            return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise HeadError(f"{path.name} cannot be read: {error}") from error
    raise HeadError(f"{path.name} is larger than {MAX_JSON_BYTES >> 20} MiB")


def write_heads(folder: Path, tensors: Mapping[str, Tensor], config: Mapping[str, Any]) -> None:
    """Write ``model.safetensors`` and ``config.json``; floats in bf16."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = {
        key: (t.to(torch.bfloat16) if t.is_floating_point() else t).detach().cpu().clone()
        for key, t in tensors.items()
    }
    save_file({key: t.contiguous() for key, t in plain.items()}, folder / WEIGHTS)
    (folder / CONFIG).write_text(json.dumps(dict(config), indent=1) + "\n", encoding="utf-8")


def _from_hub(home: str, name: str) -> Path | None:
    """A file of a Hub repository, from the cache where there is no network."""
    stay = not has_network()
    try:
        return Path(hf_hub_download(home, name, local_files_only=stay))
    except EntryNotFoundError as error:
        if stay or not isinstance(error, LocalEntryNotFoundError) or _is_cached(home):
            return None
        raise HeadError(f"the Hub could not be asked for {home!r:.100}") from error
    except Exception as error:  # the client's own, or those of whichever HTTP library it uses
        raise HeadError(
            f"there are no heads {home!r:.100} here or on the Hub ({type(error).__name__})"
        ) from error


def _is_cached(home: str) -> bool:
    """Whether the Hub's cache holds files of the repository: what it lacks was not there then."""
    try:
        snapshot_download(home, local_files_only=True)
    except LocalEntryNotFoundError:
        return False
    return True


def _refuse_parts(home: str | Path, stems: Sequence[str]) -> None:
    """Say what to do with a file that was split: heads are small enough for one.

    Raises:
        HeadError: names the index of the parts.
    """
    index = find(home, [f"{stem}{suffix}.index.json" for stem in stems for suffix in SUFFIXES])
    if index is not None:
        whole = index.name.removesuffix(".index.json")
        raise HeadError(
            f"{index.name} tells of a file in several parts, which is not read: load the tensors "
            f"of all parts and save them as one file, {Path(whole).stem}{SUFFIXES[0]}"
        )


def _safe(path: Path) -> tuple[dict[str, tuple[int, ...]], Callable[[str], Tensor]]:
    """Shapes and reader of a safetensors file; only its header is read now."""
    try:
        file = safe_open(path, framework="pt")
        shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    except _BROKEN as error:
        raise HeadError(f"{path.name} is cut short or no safetensors file: {error}") from error
    return shapes, file.get_tensor


def _pickled(path: Path) -> tuple[dict[str, tuple[int, ...]], Callable[[str], Tensor]]:
    """Shapes and reader of a file of ``torch.save``; nothing in it is run."""
    is_zip = zipfile.is_zipfile(path)
    if is_zip and _is_compressed(path):  # it is mapped as it stands, unpacked by nobody
        raise HeadError(f"{path.name} is a compressed archive: save it again with torch.save")
    try:
        with warnings.catch_warnings(action="ignore"):  # of pickles in other protocols
            value = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except UnpicklingError as error:
        raise HeadError(
            f"{path.name} holds more than tensors, or is cut short; code in it is never run"
        ) from error
    except _BROKEN as error:
        raise HeadError(f"{path.name} is cut short or no file of tensors") from error
    if not isinstance(value, dict) or not all(
        isinstance(key, str) and isinstance(tensor, Tensor) for key, tensor in value.items()
    ):
        raise HeadError(f"{path.name} holds no table of tensors")
    for key, tensor in value.items():
        if not _is_plain(tensor):
            raise HeadError(f"{path.name} holds no plain numbers at {key:.100}")
    return {key: tuple(tensor.shape) for key, tensor in value.items()}, value.__getitem__


def _is_plain(tensor: Tensor) -> bool:
    """Whether every number stands in the file: none is left out, and none counts many times."""
    if tensor.layout != torch.strided or tensor.is_meta or tensor.is_nested:
        return False
    return tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


def _is_compressed(path: Path) -> bool:
    """Whether a part of a zip file is packed; ``torch.save`` packs none."""
    try:
        with zipfile.ZipFile(path) as parts:
            return any(part.compress_type != zipfile.ZIP_STORED for part in parts.infolist())
    except (zipfile.BadZipFile, RuntimeError, OSError, ValueError) as error:
        raise HeadError(f"{path.name} is cut short or no file of tensors") from error
