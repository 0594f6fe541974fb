"""How many threads decode where a page is drawn on the same machine."""

import os
from contextlib import suppress
from pathlib import Path

import torch

CONTROL = Path("/sys/fs/cgroup")


def leave_a_core() -> None:
    """One thread fewer than there are processors, where torch would take them all.

    The threads of a product wait for each other after every one of them: while a browser draws
    on one's processor all stand still, and a round takes two or three times as long.  A user's
    own ``OMP_NUM_THREADS`` holds.
    """
    fit_threads(spare=1)


def fit_threads(spare: int = 0) -> None:
    """No more threads than this process may run at once, ``spare`` of these left over.

    torch counts the machine's processors; a container may be given the time of two of sixteen.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(threads(torch.get_num_threads(), _processors() - spare))


def threads(wanted: int, at_most: int) -> int:
    """Of those that torch wants: all that there is room for, and one at the least."""
    return max(1, min(wanted, at_most))


def _processors() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return min(len(os.sched_getaffinity(0)), quota() or 1 << 16)
    return os.cpu_count() or 1


def quota(control: Path = CONTROL) -> int | None:
    """Processors whose time the control group gives, rounded down; ``None`` where it is not kept.

    Args:
        control: where the groups are seen, of version 2 or 1.
    """
    with suppress(OSError, ValueError, ZeroDivisionError):
        told = (control / "cpu.max").read_text().split()  # such as "200000 100000", or "max 100000"
        return max(1, int(told[0]) // int(told[1]))
    with suppress(OSError, ValueError, ZeroDivisionError):
        files = [control / "cpu" / f"cpu.cfs_{name}_us" for name in ("quota", "period")]
        given, period = (int(file.read_text()) for file in files)
        return max(1, given // period) if given > 0 else None
    return None
