"""Steps captured as CUDA graphs, and called as they are where they cannot be."""

import sys
from collections import Counter
from collections.abc import Callable, Hashable
from typing import NamedTuple, Protocol

import torch

WARM_UPS = 2  # calls before a capture: lazy initialisation must not be captured
MOST = 64  # graphs that one lane keeps
PATIENCE = 2  # with steps whose shape a planner chooses anew: many come once

Step = Callable[[], torch.Tensor]


class Replay(Protocol):
    """A captured step."""

    def replay(self) -> None:
        """Do again what was captured, to the same addresses."""
        ...


Capture = Callable[[Step], tuple[Replay, torch.Tensor]]


class _Captured(NamedTuple):
    step: Step  # its tensors must live as long as the graph
    graph: Replay
    told: torch.Tensor


class Graphs:
    """Graphs by key.  A step is a function of device memory that may be called twice.

    Args:
        capture: makes one of a step that was warmed up; ``None`` calls every step as it is.

    Attributes:
        trouble: why steps are called as they are though they should not be; in a clause.
    """

    def __init__(self, capture: Capture | None) -> None:
        self._capture, self._captured = capture, {}
        self._asked: Counter[Hashable] = Counter()
        self.trouble: str | None = None

    def run(self, key: Hashable, step: Step, patience: int = 0) -> torch.Tensor:
        """Do ``step``; what it told, in memory that the next step may write over.

        Args:
            key: says which captured step does the same, at the same addresses.
            patience: calls before it is worth a capture.
        """
        self._asked[key] += 1
        if self._capture is None or self._asked[key] <= patience:
            return step()
        if key not in self._captured:
            try:
                self._add(key, step)
            except RuntimeError as error:  # of torch and of CUDA, a want of memory too
                self._give_up(error)
                return step()
        captured = self._captured[key]
        captured.graph.replay()
        return captured.told

    def _add(self, key: Hashable, step: Step) -> None:
        if len(self._captured) == MOST:
            del self._captured[next(iter(self._captured))]  # the oldest
        self._captured[key] = _Captured(step, *self._capture(step))

    def _give_up(self, error: RuntimeError) -> None:
        """Say once why; the graphs' memory goes back."""
        lines = str(error).strip().splitlines() or [type(error).__name__]
        self.trouble = lines[0]
        self._capture = None
        self._captured.clear()
        print(f"rounds run without CUDA graphs: {self.trouble}", file=sys.stderr, flush=True)


def capturing_on(device: torch.device) -> Capture | None:
    """How steps are captured on ``device``; ``None`` where nothing can be."""
    return _CudaCapture(device) if device.type == "cuda" else None


class _CudaCapture:
    """Captures on a stream of its own; all graphs share one pool of memory."""

    def __init__(self, device: torch.device) -> None:
        self.device, self._pool = device, torch.cuda.graph_pool_handle()

    def __call__(self, step: Step) -> tuple[Replay, torch.Tensor]:
        with torch.cuda.device(self.device):
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(WARM_UPS):
                    step()
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self._pool):
                told = step()
        return graph, told
