"""How many threads decode where a page is drawn on the same machine."""

import os

import torch


def leave_a_core() -> None:
    """One thread fewer than there are processors, where torch would take them all.

    The threads of a product wait for each other after every one of them: while a browser draws
    on one's processor all stand still, and a round takes two or three times as long.  A user's
    own ``OMP_NUM_THREADS`` holds.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(threads(torch.get_num_threads(), _processors()))


def threads(wanted: int, processors: int) -> int:
    """Of those that torch wants: all, but one at the least is left over if there are several."""
    return max(1, min(wanted, processors - 1))


def _processors() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
