"""Everything that is measured, one part after another: ``python -m bench``."""

import subprocess
import sys

PARTS = ("pass_cost", "recording", "wire", "startup", "memory", "speed")


def main() -> None:
    """Each part in a process of its own: none inherits another's memory or threads."""
    failed = []
    for part in PARTS:
        print(f"== {part}", flush=True)
        if subprocess.run([sys.executable, "-m", f"bench.{part}"]).returncode:
            failed.append(part)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
