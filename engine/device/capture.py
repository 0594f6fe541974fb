"""A step as a CUDA graph: warmed up, then captured, on a stream and in memory of its owner."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Protocol

import torch

from kernels.reason import first_line

WARM_UPS = 2  # calls before a capture: lazy initialisation must not be captured

Step = Callable[[], torch.Tensor]


class Replay(Protocol):
    """A captured step."""

    def replay(self) -> None:
        """Do again what was captured, to the same addresses."""
        ...


Capture = Callable[[Step], tuple[Replay, torch.Tensor]]


class CudaCapture:
    """Captures on a stream of its own; all graphs share one pool of memory.

    One at a time in a process: beginning one waits for the whole device, which no other may be
    captured under.  After one has failed none is tried again, for the allocator may believe that
    it still goes on.
    """

    failed = ""  # why, in this process
    _turn = Lock()

    def __init__(self, device: torch.device) -> None:
        self.device, self._pool = device, torch.cuda.graph_pool_handle()
        self._stream = _capture_stream(device)

    def __call__(self, step: Step) -> tuple[Replay, torch.Tensor]:
        with self._turn, torch.cuda.device(self.device):
            if CudaCapture.failed:  # of another lane, or of a head beside this one
                raise RuntimeError(CudaCapture.failed)
            self._warm_up(step)
            current, graph = torch.cuda.current_stream(), torch.cuda.CUDAGraph()
            try:
                # thread_local: other threads may go on replaying meanwhile
                told = (graph, self._pool, self._stream, "thread_local")
                with _workspaces_of_its_own(), torch.cuda.graph(*told):
                    output = step()
            except RuntimeError as error:
                torch.cuda.set_stream(current)  # a capture that fails at its end leaves its own
                reason = first_line(error.__context__ or error)
                CudaCapture.failed = f"a capture failed before: {reason}"
                raise
        return graph, output

    def _warm_up(self, step: Step) -> None:
        self._stream.wait_stream(torch.cuda.current_stream())
        try:
            with torch.cuda.stream(self._stream):
                for _ in range(WARM_UPS):
                    step()
        finally:  # one that fails is called as it is next: not while its first part still runs
            torch.cuda.current_stream().wait_stream(self._stream)


@contextmanager
def _workspaces_of_its_own() -> Iterator[None]:
    """Let a capture's products ask for cuBLAS's workspace anew: from the memory of their own pool.

    torch keeps one for each thread and stream, and a graph remembers its address.  Since 2.13 at
    the latest it is freed with any graph of that stream, under all that are left; and whatever
    the version, a thread's next warm-up would write to it while other threads replay.
    """
    torch._C._cuda_clearCublasWorkspaces()
    try:
        yield
    finally:
        torch._C._cuda_clearCublasWorkspaces()


@cache
def _capture_stream(device: torch.device) -> torch.cuda.Stream:
    """One a card: torch's default for captures is on the card that captured first, and graphs
    take turns with memory only where they were captured on one stream.
    """
    return torch.cuda.Stream(device)
