"""Finds the heads that fit a target, kind by kind; what is wrong with one leaves the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel

from engine import store
from engine.heads.attached import Attached
from engine.heads.checkpoint import HeadError, open_heads
from engine.heads.kinds import KINDS, Kind
from engine.heads.trees import TreeFile, read_trees
from engine.run_facts import Weights
from kernels.reason import first_line

# What files, libraries and full memory raise; ``torch.OutOfMemoryError`` is a ``RuntimeError``.
_FAULTS = (ValueError, RuntimeError, TypeError, MemoryError, OSError)
SHIPPED = Path(__file__).parents[2] / "assets" / "drafters"


@dataclass(frozen=True, slots=True)
class Heads:
    """Heads that draft for a target, what was measured of them, and what is recorded of them."""

    attached: Attached
    trees: TreeFile
    weights: Weights


def shipped_heads() -> dict[str, Path]:
    """The folders of this project's own heads for the default target, those that there are."""
    return {kind: folder for kind in KINDS if (folder := SHIPPED / kind).is_dir()}


def find_heads(
    homes: Mapping[str, str | Path], target: PreTrainedModel, *, packed: bool
) -> tuple[dict[str, Heads], dict[str, str]]:
    """Heads by method, and by method why there are none.

    Args:
        homes: kind (a key of ``KINDS``) -> folder, file or Hub id.
        target: packed already, if it is to be.
        packed: on a CPU, swap the heads' parts for fast equal ones.
    """
    found: dict[str, Heads] = {}
    reasons: dict[str, str] = {}
    for name, kind in KINDS.items():
        if name not in homes:
            reason = f"needs {kind.title} for this target, and none were given"
            reasons |= dict.fromkeys(kind.methods, reason)
            continue
        try:
            found |= dict.fromkeys(kind.methods, _heads(kind, homes[name], target, packed))
        except HeadError as error:
            reason = f"needs {kind.title} for this target: {error}"
            reasons |= dict.fromkeys(kind.methods, reason)
        except _FAULTS as error:
            what = f"{type(error).__name__}: {first_line(error)}"
            reason = f"needs {kind.title} for this target, and these do not load: {what}"
            reasons |= dict.fromkeys(kind.methods, reason)
    return found, reasons


def _heads(kind: Kind, home: str | Path, target: PreTrainedModel, packed: bool) -> Heads:
    """Open, read, fit; nothing in the files is run."""
    if not isinstance(home, str | Path):
        raise HeadError(f"expected a folder, a file or a Hub id, got {home!r:.60}")
    file = open_heads(home, kind.stems)
    trees = read_trees(home)
    module = kind.read(file, target.config.get_text_config())
    attached = kind.attach(module, target, packed=packed)
    is_local = Path(file.path).is_relative_to(home) or Path(home) == file.path
    name = Path(home).name
    origin = name if is_local else str(home)
    digest = store.sha256(file.path)
    return Heads(
        attached, trees, Weights(name, origin, digest, str(target.dtype).removeprefix("torch."))
    )
