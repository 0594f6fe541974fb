"""Memory of a process after many runs against its memory after a few.

``python -m bench.memory``: one visitor after another decodes; what a run leaves behind shows.
"""

import argparse
import gc
import os
from itertools import cycle
from pathlib import Path

from bench.prompts import COPY_HEAVY, EVERYDAY
from bench.report import print_table, write_json
from engine import Bundle, DecodeConfig, Trace, load

FEW, MANY = 5, 500
RUNS_A_VISITOR = 10
STATM = Path("/proc/self/statm")


def main() -> None:
    """Resident megabytes at both marks, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=8)
    tokens = parser.parse_args().tokens
    if not STATM.exists():
        print(f"left out: {STATM}, which tells the memory in use, is Linux's")
        return
    bundle = load()
    bundle.warm_up()
    able = [name for name, state in bundle.methods.items() if state == "available"]
    few = _decode(bundle, able, FEW * len(able), tokens)  # each method a few times
    many = _decode(bundle, able, MANY, tokens)
    rows = [[FEW * len(able), f"{few:.0f}"], [f"{MANY} more", f"{many:.0f}"]]
    print_table("resident memory", ["runs", "MB"], rows)
    print(f"ratio {many / few:.3f} (aim: at most 1.02)")
    print(write_json("memory", {"few": few, "many": many, "ratio": many / few}))


def _decode(bundle: Bundle, methods: list[str], runs: int, tokens: int) -> float:
    """So many runs of all methods in turn; resident megabytes afterwards."""
    prompts = cycle([*EVERYDAY, COPY_HEAVY[0]])
    visitor = bundle.for_visitor()
    for number in range(runs):
        if number % RUNS_A_VISITOR == 0:
            visitor = bundle.for_visitor()
        method = methods[number % len(methods)]
        Trace.record(visitor, next(prompts), DecodeConfig(method, tokens, seed=number))
    gc.collect()
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
