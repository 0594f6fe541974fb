"""``python -m bench.gpu``: the kernels on this machine's card, in eight minutes at the most.

Needs torch, triton, transformers and numpy alone.  Each part runs in a process of its own: one
that crashes, hangs or finds a kernel wrong leaves the others their time.  Prints tables and
writes ``runs/gpu.json``.  ``--rehearse`` runs tiny shapes without a card and measures nothing.
"""

import argparse
import json
import subprocess
import sys
from time import monotonic

import torch

from bench.gpu.attention import time_attention
from bench.gpu.ceilings import measure_ceilings
from bench.gpu.correctness import check_kernels
from bench.gpu.judgement import time_judgement
from bench.gpu.lines import Ceilings, Line, print_lines
from bench.gpu.scale import scale_of
from bench.gpu.step import time_steps
from bench.report import write_json

PARTS = {
    "correctness": check_kernels,
    "attention": time_attention,
    "judgement": time_judgement,
    "steps": time_steps,
}
SECONDS = {"ceilings": 60, "correctness": 150, "attention": 150, "judgement": 60, "steps": 120}
COMMAND = ["-m", "bench.gpu"]
TOTAL = 470  # seconds: eight minutes, less what starting takes


def main() -> None:
    """All parts, or the one that this process is for."""
    arguments = _arguments()
    device = torch.device("cpu" if arguments.rehearse else "cuda")
    if device.type == "cuda" and not torch.cuda.is_available():
        sys.exit("bench.gpu needs a CUDA card; --rehearse runs tiny shapes without one")
    if arguments.part:
        _run_part(arguments.part, device, arguments.ceilings)
        return
    deadline = monotonic() + TOTAL
    name = "none: a rehearsal" if device.type == "cpu" else torch.cuda.get_device_name()
    print(f"card: {name}; torch {torch.__version__}", flush=True)
    found, given = {}, ["inf", "inf"]
    for part in ("ceilings", *PARTS):
        seconds = min(SECONDS[part], deadline - monotonic())
        lines = _in_a_process(part, given, seconds, arguments.rehearse)
        found[part] = [line.record for line in lines if line.name != "ceilings"]
        given = next((line.note.split() for line in lines if line.name == "ceilings"), given)
        print_lines(part, [line for line in lines if line.name != "ceilings"])
    is_wrong = any("WRONG" in line["note"] for line in found["correctness"])
    print(write_json("gpu", {"card": name, "parts": found}))
    sys.exit("a kernel is wrong on this card: do not use it" if is_wrong else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rehearse", action="store_true", help="tiny shapes, no card")
    parser.add_argument("--part", choices=("ceilings", *PARTS), help=argparse.SUPPRESS)
    parser.add_argument("--ceilings", nargs=2, type=float, default=(float("inf"),) * 2)
    return parser.parse_args()


def _run_part(part: str, device: torch.device, given: tuple[float, float]) -> None:
    """Print each line as JSON as soon as it is known."""
    scale = scale_of(device)
    with torch.inference_mode():
        if part == "ceilings":
            measured, lines = measure_ceilings(scale)
            rates = f"{measured.bytes_a_second} {measured.flops_a_second}"
            lines = [*lines, Line("ceilings", note=rates)]
        else:
            lines = PARTS[part](scale, Ceilings(*given))
        for line in lines:
            print(json.dumps(line.record), flush=True)


def _in_a_process(part: str, given: list[str], seconds: float, rehearse: bool) -> list[Line]:
    """The lines a part came to; what ended it early is the last of them."""
    command = [sys.executable, *COMMAND, "--part", part, "--ceilings", *given]
    command += ["--rehearse"] if rehearse else []
    if seconds < 5:
        return [Line(part, note="left out: no time is left")]
    try:
        told = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=seconds)
        output, end = told.stdout, f"ended with status {told.returncode}" * bool(told.returncode)
    except subprocess.TimeoutExpired as late:
        raw = late.stdout or b""
        output = raw.decode() if isinstance(raw, bytes) else raw
        end = f"stopped after {seconds:.0f} s"
    whole = [line for line in output.splitlines(keepends=True) if line.startswith("{")]
    lines = [Line(**json.loads(line)) for line in whole if line.endswith("}\n")]
    return [*lines, Line(part, note=end)] if end else lines


if __name__ == "__main__":
    main()
