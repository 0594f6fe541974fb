"""``make train``: all of it, one step after another; each goes on where it stopped."""

import subprocess
import sys

HEADS = {
    "eagle": ("--rate", "8e-4"),
    "hydra": ("--rate", "1e-3", "--no-muon"),
    "hydra++": ("--rate", "1e-3", "--no-muon", "--base", "runs/hydra"),
    "medusa": ("--rate", "1.5e-2"),
    "eagle3": ("--rate", "1.2e-3"),
}
STEPS = (
    ("collect", "replies"),
    ("generate",),
    ("generate", "--imagine", "--out", "runs/labels/imagined"),
    ("draft",),
    ("card",),
    *(step for kind, told in HEADS.items() for step in (("heads", kind, *told), ("ship", kind))),
)


def main() -> None:
    """Run the steps in processes of their own, and stop at one that fails."""
    for module, *rest in STEPS:
        command = [sys.executable, "-m", f"train.{module}", *rest]
        print(" ".join(command[1:]), flush=True)
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
