"""What is measured, one part after another: ``python -m bench`` for all of it."""

import argparse
import subprocess
import sys

PARTS = ("pass_cost", "recording", "wire", "startup", "memory", "speed")


def main() -> None:
    """Each part in a process of its own: none inherits another's memory or threads."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"all unless given, of {', '.join(PARTS)}")
    parts, failed = parser.parse_args().parts or PARTS, []
    if unknown := set(parts) - set(PARTS):
        parser.error(f"there is no part {min(unknown)!r}; there are {', '.join(PARTS)}")
    for part in parts:
        print(f"== {part}", flush=True)
        if subprocess.run([sys.executable, "-m", f"bench.{part}"]).returncode:
            failed.append(part)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
