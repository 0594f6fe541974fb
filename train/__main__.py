"""``make train``: all of it, one step after another; each goes on where it stopped."""

import subprocess
import sys

STEPS = (("collect", "replies"), ("draft",), ("card",))


def main() -> None:
    """Run the steps in processes of their own, and stop at one that fails."""
    for module, *rest in STEPS:
        command = [sys.executable, "-m", f"train.{module}", *rest]
        print(" ".join(command[1:]), flush=True)
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
