"""``make train``: all of it, one step after another; each goes on where it stopped.

Trainings begin with the drafters that are shipped, where there are some: 400 steps from scratch
would be far worse than the thousands behind those.  ``--fresh`` takes these thousands again.

``python -m train --trial`` does every step on a handful of answers, in minutes and in a folder
of its own: what it ships is worth nothing, that it ships is worth knowing.  Another ``--target``
too has a folder of its own, ``runs/targets/NAME``, with its drafters in ``drafters``.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from train.needs import CORPUS, DRAFTERS, PROMPTS, REPLIES, REQUESTS, TARGET, need_target, need_text
from train.onward import BEFORE, steps_of

ONWARD = ("--rate", "1.2e-3", "--warmup", "40", "--decay", "0.7", "--held", "60")
HEADS = {  # settings of a training from scratch
    "eagle": ("--rate", "8e-4"),
    "hydra": ("--rate", "1e-3", "--no-muon"),
    "hydra++": ("--rate", "1e-3", "--no-muon"),
    "medusa": ("--rate", "1.5e-2"),
    "eagle3": ("--rate", "1.2e-3"),
}
FEW = {  # settings of a trial
    "collect": ("--rows", "60", "--measurable", "4"),
    "generate": ("--batches", "2", "--lines", "24", "--new-tokens", "24"),
    "draft": ("--steps", "3", "--held", "4"),
    "card": ("--new-tokens", "8", "--held", "4", "--force"),
    "heads": ("--steps", "3", "--held", "4", "--sample", "4"),
    "ship": ("--new-tokens", "8", "--held", "4", "--drawn", "1", "--force"),
}


def steps(
    runs: Path,
    drafters: Path,
    device: str = "cpu",
    is_fresh: bool = False,
    corpus: tuple[str, ...] = (),
    prompts: tuple[str, ...] = (),
    target: tuple[str, ...] = (),
) -> Iterator[tuple[str, ...]]:
    """Module and arguments of every step, with all that is written below two folders.

    Args:
        corpus, prompts, target: options that name other ones than the usual.
    """
    labels, on = runs / "labels", ("--device", device, *target)
    learnt = "--drafters", str(drafters)
    yield "collect", "replies", *on, *corpus, "--out", str(labels)
    yield "generate", *on, *corpus, *learnt, "--out", str(labels / "own")
    yield "generate", "--imagine", *on, *learnt, "--out", str(labels / "imagined")
    source = "--labels", str(labels)
    shelf = "--bench", str(runs / "bench"), *prompts, *target
    runs = runs / "fresh" if is_fresh else runs  # what goes on from shipped weights is no start
    for kind in ("draft", *HEADS):
        module = ("draft",) if kind == "draft" else ("heads", kind)
        told = settings(kind, runs, drafters / kind, is_fresh)
        yield *module, *told, *on, *source, "--out", str(runs / kind)
        module = ("card",) if kind == "draft" else ("ship", kind)
        went_on = "--shipped" in told
        mean = ("--mean", str(start_of(runs / kind, drafters / kind))) if went_on else ()
        out = ("--out", str(drafters / kind))
        yield *module, *source, *shelf, "--run", str(runs / kind), *mean, *out


def settings(kind: str, runs: Path, shipped: Path, is_fresh: bool) -> tuple[str, ...]:
    """What a training begins with and how long it is: on from ``shipped``, or as long as that.

    One that is under way goes on as it began, whatever has been shipped since.
    """
    begun = runs / kind / "settings.json"
    goes_on = json.loads(begun.read_text("utf-8"))["shipped"] if begun.exists() else True
    if shipped.is_dir() and goes_on and not is_fresh:
        more = "2000" if kind == "draft" else "2700"
        return "--shipped", str(shipped), "--steps", more, *ONWARD
    count = steps_of(shipped)
    length = ("--steps", str(count)) if count else ()
    base = ("--base", str(runs / "hydra")) if kind == "hydra++" else ()
    return *HEADS.get(kind, ()), *base, *length


def start_of(run: Path, shipped: Path) -> Path:
    """Where the weights are that the training in ``run`` goes on from.

    Shipping puts others in their place, so that a run keeps its own.  One of before that was so
    did not; the shipped folder's count of steps then says whether they are still there.
    """
    is_old = (run / "checkpoint.pt").exists() and not (run / BEFORE).exists()
    return shipped if is_old else run / BEFORE


def folders_of(args: argparse.Namespace) -> tuple[Path, Path]:
    """Runs and drafters; those of a trial and those of another target lie where nothing ships."""
    runs = Path("runs/trial" if args.trial else "runs")
    target = Path(args.target or TARGET).resolve()
    if target != Path(TARGET).resolve():
        runs = runs / "targets" / target.name
    return runs, DRAFTERS if runs == Path("runs") else runs / "drafters"


def read() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    parser.add_argument("--trial", action="store_true", help="a handful of answers, in runs/trial")
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="train from scratch, in fresh below the runs, for as many steps as are shipped",
    )
    parser.add_argument(
        "--device",
        default="cuda" if torch.cuda.is_available() else "cpu",
        help="to read, write and train on; cuda unless given, where there is one",
    )
    for name in ("corpus", "prompts", "target"):
        parser.add_argument(f"--{name}", help="elsewhere than usual: as for every step")
    return parser.parse_args()


def main() -> None:
    """Run the steps in processes of their own, and stop at one that fails."""
    args = read()
    need_target(args.target or TARGET)
    for name in (REPLIES, REQUESTS):
        need_text(Path(args.corpus or CORPUS) / name, "--corpus")
    need_text(Path(args.prompts or PROMPTS), "--prompts")
    places = {
        name: (f"--{name}", value)
        for name in ("corpus", "prompts", "target")
        if (value := getattr(args, name))
    }
    runs, drafters = folders_of(args)
    for module, *rest in steps(runs, drafters, args.device, args.fresh, **places):
        told = [*rest, *(FEW[module] if args.trial else ())]
        command = [sys.executable, "-m", f"train.{module}", *told]
        print(" ".join(command[1:]), flush=True)
        if code := subprocess.run(command).returncode:
            sys.exit(code)  # it has said why


if __name__ == "__main__":
    main()
