"""What has to lie on the disk before a step begins, and the sentence said where it does not."""

from collections.abc import Iterable
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from engine.store import target_folder

TARGET = str(target_folder())
CORPUS, PROMPTS = Path("../shared/corpus"), Path("../shared/prompts/mt_bench.jsonl")
DRAFTERS = Path("assets/drafters")
REPLIES = "smollm2_replies.jsonl.xz"  # of the corpus: answers of the target
REQUESTS = "prompts.jsonl.xz"  # of the corpus: for it to answer


def need_text(path: Path, option: str) -> None:
    """End where there is no ``path``.

    Args:
        option: of the command line, which names it or the folder it is in.

    Raises:
        SystemExit: there is none: most clones have no such text.
    """
    if not path.exists():
        raise SystemExit(
            f"there is no {path}: that text is not part of this project, {option} says where it is"
        )


def need_target(folder: str) -> None:
    """End where no target is.

    Raises:
        SystemExit: there is no such folder; transformers would ask the Hub for it, and wait.
    """
    if not Path(folder).is_dir():
        raise SystemExit(
            f"there is no folder {folder} with a target: `make setup` makes the usual one, "
            "--target names another"
        )


def read_target(folder: str, dtype: torch.dtype, **told: str) -> PreTrainedModel:
    """The target in ``folder``, which must be there."""
    need_target(folder)
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, **told).eval()


def label_folders(folders: Iterable[Path], name: str) -> list[Path]:
    """Every folder below ``folders`` that holds a file ``name``.

    Raises:
        SystemExit: below one of them there is none.
    """
    found = []
    for folder in folders:
        inside = [path.parent for path in sorted(folder.rglob(name))]
        if not inside:
            raise SystemExit(
                f"there are no labels in {folder}: `python -m train.collect replies` makes some, "
                "--labels says where they are"
            )
        found += inside
    return found
