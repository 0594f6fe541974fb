"""Which weights ran, for the record: where they came from, and a hash that tells them apart."""

import hashlib
import json
import os
import re
from pathlib import Path

from huggingface_hub import try_to_load_from_cache
from transformers import PreTrainedModel

from engine import store
from engine.run_facts import Weights

INDEX = f"{store.WEIGHTS}.index.json"  # where they are in parts
SAMPLE = 2**20  # bytes read at either end of a part
_SHA256, _COMMIT = re.compile(r"[0-9a-f]{64}"), 12  # digits that name a commit


def weights_of(home: str, model: PreTrainedModel) -> Weights:
    """What was read from ``home``, a folder or a Hub id.

    The source of the Hub's is its id and the commit.  The hash is the sha256 of the weights
    file: the store's own, or what the Hub's cache calls the file, or made here.  Of weights in
    parts it is that of a list: their index's hash, and for each part its name, its size and
    either its sha256, where the cache says it, or that of its first and last MiB: to read tens
    of gigabytes would take longer than to load them.  It is empty where there are no safetensors.
    """
    is_local = os.path.isdir(home)
    folder = Path(home) if is_local else _snapshot(home)
    known = store.manifest(folder) if is_local else None
    if known:
        origin, digest = known["origin"], known["files"].get(store.WEIGHTS, (0, ""))[1]
    else:
        origin = Path(home).name if is_local else home
        origin += f"@{folder.name[:_COMMIT]}" if folder and not is_local else ""
        digest = _digest(folder) if folder else ""
    return Weights(Path(home).name, origin, digest, str(model.dtype).removeprefix("torch."))


def _snapshot(name: str) -> Path | None:
    """The folder of the Hub's cache that ``name`` was loaded from; it is called by its commit."""
    config = try_to_load_from_cache(name, "config.json")
    return Path(config).parent if isinstance(config, str) else None


def _digest(folder: Path) -> str:
    """Of the weights in ``folder``, whole or in parts."""
    whole, index = folder / store.WEIGHTS, folder / INDEX
    if whole.is_file():
        return _told(whole) or store.sha256(whole)
    if not index.is_file():
        return ""
    names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    lines = [store.sha256(index), *(_line(folder / name) for name in names)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _told(file: Path) -> str:
    """The sha256 of a file in the Hub's cache, which is a link to a blob of that name."""
    name = file.resolve().name
    return name if _SHA256.fullmatch(name) else ""


def _line(part: Path) -> str:
    """What tells a part from others."""
    size = part.stat().st_size
    if told := _told(part):
        return f"{part.name} {size} {told}"
    with part.open("rb") as file:
        ends = file.read(SAMPLE)
        file.seek(max(0, size - SAMPLE))
        ends += file.read(SAMPLE)
    return f"{part.name} {size} {hashlib.sha256(ends).hexdigest()}"
