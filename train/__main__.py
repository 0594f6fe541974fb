"""``make train``: all of it, one step after another; each goes on where it stopped."""

import subprocess
import sys

HEADS = ("eagle", "hydra", "medusa", "hydra++", "eagle3")
STEPS = (
    ("collect", "replies"),
    ("generate",),
    ("draft",),
    ("card",),
    *(step for kind in HEADS for step in (("heads", kind), ("ship", kind))),
)


def main() -> None:
    """Run the steps in processes of their own, and stop at one that fails."""
    for module, *rest in STEPS:
        command = [sys.executable, "-m", f"train.{module}", *rest]
        print(" ".join(command[1:]), flush=True)
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
