"""``make train``: all of it, one step after another; each goes on where it stopped.

``python -m train --trial`` does every step on a handful of answers, in minutes and in a folder
of its own: what it ships is worth nothing, that it ships is worth knowing.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HEADS = {
    "eagle": ("--rate", "8e-4"),
    "hydra": ("--rate", "1e-3", "--no-muon"),
    "hydra++": ("--rate", "1e-3", "--no-muon"),
    "medusa": ("--rate", "1.5e-2"),
    "eagle3": ("--rate", "1.2e-3"),
}
FEW = {  # settings of a trial
    "collect": ("--rows", "60"),
    "generate": ("--batches", "2", "--lines", "24", "--new-tokens", "24"),
    "draft": ("--steps", "3", "--held", "4"),
    "card": ("--new-tokens", "8", "--held", "4"),
    "heads": ("--steps", "3", "--held", "4", "--sample", "4"),
    "ship": ("--new-tokens", "8", "--held", "4", "--drawn", "1"),
}


def steps(runs: Path, drafters: Path) -> Iterator[tuple[str, ...]]:
    """Module and arguments of every step, with all that is written below two folders."""
    labels, source = str(runs / "labels"), ("--labels", str(runs / "labels"))
    yield "collect", "replies", "--out", labels
    yield "generate", "--out", str(runs / "labels" / "own")
    yield "generate", "--imagine", "--out", str(runs / "labels" / "imagined")
    yield "draft", *source, "--out", str(runs / "draft")
    shelf = ("--bench", str(runs / "bench"))
    yield "card", *source, *shelf, "--run", str(runs / "draft"), "--out", str(drafters / "draft")
    for kind, told in HEADS.items():
        run = runs / kind
        base = ("--base", str(runs / "hydra")) if kind == "hydra++" else ()
        yield "heads", kind, *told, *base, *source, "--out", str(run)
        yield "ship", kind, *source, *shelf, "--run", str(run), "--out", str(drafters / kind)


def main() -> None:
    """Run the steps in processes of their own, and stop at one that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trial", action="store_true", help="a handful of answers, in runs/trial")
    is_trial = parser.parse_args().trial
    runs = Path("runs/trial" if is_trial else "runs")
    drafters = runs / "drafters" if is_trial else Path("assets/drafters")
    for module, *rest in steps(runs, drafters):
        told = [*rest, *(FEW[module] if is_trial else ())]
        command = [sys.executable, "-m", f"train.{module}", *told]
        print(" ".join(command[1:]), flush=True)
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
