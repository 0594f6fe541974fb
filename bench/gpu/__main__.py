"""``python -m bench.gpu``: the kernels on this machine's card, in eight minutes at the most.

Needs torch, triton, transformers and numpy alone.  Each part runs in a process of its own: one
that crashes, hangs or finds a kernel wrong leaves the others their time.  Prints tables and
writes ``runs/gpu.json``.  ``--rehearse`` runs tiny shapes without a card and measures nothing.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import date
from importlib.metadata import version
from tempfile import TemporaryFile
from time import monotonic

import torch

from bench.gpu.attention import time_attention
from bench.gpu.ceilings import measure_ceilings
from bench.gpu.correctness import check_kernels, why_not_trusted
from bench.gpu.judgement import time_judgement
from bench.gpu.lines import Ceilings, Line, print_lines
from bench.gpu.loop import check_loop
from bench.gpu.rounds import time_rounds
from bench.gpu.scale import scale_of
from bench.gpu.step import time_steps
from bench.report import write_json
from engine.place import set_up
from kernels.language import HAS_TRITON

PARTS = {
    "correctness": check_kernels,
    "loop": check_loop,
    "attention": time_attention,
    "judgement": time_judgement,
    "steps": time_steps,
    "rounds-8B": lambda scale, ceilings: time_rounds(scale, ceilings, *scale.models[:2]),
    "rounds-1B": lambda scale, ceilings: time_rounds(scale, ceilings, *scale.models[1:]),
}
SECONDS = {  # of each part at the least; what one leaves goes to the next
    "ceilings": 50,  # the first to import all of it
    "correctness": 85,
    "loop": 50,
    "attention": 65,
    "judgement": 20,
    "steps": 45,
    "rounds-8B": 85,
    "rounds-1B": 60,
}
COMMAND = ["-m", "bench.gpu"]
TOTAL = sum(SECONDS.values())  # eight minutes, less 20 seconds for this process to start and end


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
    told = {"card": name, "date": date.today().isoformat(), "triton": _triton()}
    found, given = {}, ["inf", "inf"]
    for part in ("ceilings", *PARTS):
        lines = _in_a_process(part, given, _seconds(part, deadline), arguments.rehearse)
        found[part] = [line.record for line in lines if line.name != "ceilings"]
        given = next((line.note.split() for line in lines if line.name == "ceilings"), given)
        print_lines(part, [line for line in lines if line.name != "ceilings"])
        path = write_json("gpu", told | {"parts": found})  # now: the next may be cut short
    print(path)
    notes = [line["note"] for part in ("correctness", "loop") for line in found[part]]
    sys.exit(why_not_trusted(notes) or 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rehearse", action="store_true", help="tiny shapes, no card")
    parser.add_argument("--part", choices=("ceilings", *PARTS), help=argparse.SUPPRESS)
    parser.add_argument("--ceilings", nargs=2, type=float, default=(float("inf"),) * 2)
    return parser.parse_args()


def _run_part(part: str, device: torch.device, given: tuple[float, float]) -> None:
    """Print each line as JSON as soon as it is known."""
    scale = scale_of(device)
    set_up(device)  # as ``load`` does
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
    with TemporaryFile("w+") as said:
        # a session of its own: a compiler's workers must not outlive what started them
        started = subprocess.Popen(command, stdout=said, start_new_session=True)
        try:
            status = started.wait(seconds)
            end = f"ended with status {status}" if status else ""
        except subprocess.TimeoutExpired:
            end = f"stopped after {seconds:.0f} s, its time"
        finally:
            _end(started)
        said.seek(0)
        output = said.read()
    whole = [line for line in output.splitlines(keepends=True) if line.startswith("{")]
    lines = [Line(**json.loads(line)) for line in whole if line.endswith("}\n")]
    return [*lines, Line(part, note=end)] if end else lines


def _triton() -> str:
    """Of the compiler, where there is one."""
    return version("triton") if HAS_TRITON else "none"


def _seconds(part: str, deadline: float) -> float:
    """What is left until the deadline, less what is kept for the parts behind this one."""
    names = list(SECONDS)
    kept = sum(SECONDS[name] for name in names[names.index(part) + 1 :])
    return deadline - monotonic() - kept


def _end(process: subprocess.Popen) -> None:
    """The process and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


if __name__ == "__main__":
    main()
