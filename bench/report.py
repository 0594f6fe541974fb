"""Medians with their spread, as a table for people and as JSON for machines."""

import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

RUNS = Path(__file__).parents[1] / "runs"  # ignored by git


class Spread(NamedTuple):
    """A median and the quartiles around it."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles (nearest rank)."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return Spread(median(ordered), ordered[round(last * 0.25)], ordered[round(last * 0.75)])


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Columns as wide as their widest cell."""
    cells = [[str(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    print(f"\n{title}")
    for row in cells:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def write_json(name: str, data: dict[str, Any]) -> Path:
    """``runs/<name>.json`` with the machine and the versions that made it.

    Raises:
        ValueError: a figure is no number that JSON knows.
    """
    RUNS.mkdir(exist_ok=True)
    path = RUNS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine()} | data, indent=1, allow_nan=False) + "\n")
    return path


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    libraries = {name: version(name) for name in ("torch", "transformers", "numpy")}
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "python": platform.python_version(),
    } | libraries


def _processor() -> str:
    """The processor's own name where Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
