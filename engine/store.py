"""The folder that keeps the default target: where it is, and whether it is whole.

Knows neither network nor torch, so that asking costs milliseconds; ``engine.fetch`` fills it.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

NAME = "SmolLM2-135M-Instruct"
MANIFEST = "manifest.json"
WEIGHTS = "model.safetensors"
COMMAND = "python -m engine.fetch"
_NEEDED = {"config.json", WEIGHTS, "tokenizer.json", "tokenizer_config.json"}


def root() -> Path:
    """The store: ``SPECULOSCOPE_MODELS``, else the git-ignored ``models/`` of the project."""
    named = os.environ.get("SPECULOSCOPE_MODELS")
    return Path(named).expanduser() if named else Path(__file__).parents[1] / "models"


def target_folder() -> Path:
    """Where the default target is, or will be."""
    return root() / NAME


def seal(folder: Path, origin: str) -> None:
    """Write the manifest: every file's size and sha256, and where the weights came from."""
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)}
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != MANIFEST
    }
    text = json.dumps({"origin": origin, "files": files}, indent=1)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def manifest(folder: Path) -> dict[str, Any] | None:
    """What ``seal`` wrote; ``None`` where there is nothing of that kind."""
    try:
        value = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = {name: (fact["bytes"], fact["sha256"]) for name, fact in value["files"].items()}
        return {"origin": str(value["origin"]), "files": files}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def is_whole(folder: Path, *, thorough: bool = False) -> bool:
    """Whether every file has the size the manifest says and, if ``thorough``, its sha256."""
    known = manifest(folder)
    if known is None or not known["files"].keys() >= _NEEDED:
        return False
    return all(
        (path := folder / name).is_file()
        and path.stat().st_size == size
        and (not thorough or sha256(path) == digest)
        for name, (size, digest) in known["files"].items()
    )


def sha256(path: Path) -> str:
    """The file's sha256 in hexadecimal, read as a stream."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
