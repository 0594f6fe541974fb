"""Steps captured as CUDA graphs, and called as they are where they cannot be."""

import sys
from collections import Counter
from collections.abc import Hashable
from threading import local
from time import perf_counter
from typing import NamedTuple

import torch

from engine.device.capture import Capture, CudaCapture, Replay, Step
from kernels.device import LaunchError, refuse, runs_triton, without_triton
from kernels.reason import first_line

MOST = 64  # graphs that one lane keeps
FORGETS = 1024  # keys counted: a planner draws up new shapes for ever
NEVER = float("inf")  # patience with steps that are too rare
PATIENCE = 2  # with steps whose shape a planner chooses anew: many come once

_spent = local()


def seconds_capturing() -> float:
    """What captures have taken in this thread: it is paid once, and no part of a round."""
    return getattr(_spent, "seconds", 0.0)


class _Captured(NamedTuple):
    step: Step  # its tensors must live as long as the graph
    graph: Replay
    output: torch.Tensor


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

    def run(self, key: Hashable, step: Step, patience: float = 0) -> torch.Tensor:
        """Do ``step``; what it told, in memory that the next step may write over.

        Where a kernel cannot be launched that was right in its trial, none is on that device
        from now on: the step takes a slower path.

        Args:
            key: says which captured step does the same, at the same addresses.
            patience: calls before it is worth a capture.
        """
        try:
            return self._run(key, step, patience)
        except LaunchError as error:
            refuse(error.device, "triton", error.why)
            self.give_up(error.why)
            return step()

    def _run(self, key: Hashable, step: Step, patience: float) -> torch.Tensor:
        if self._capture is None or self._is_early(key, patience):
            return step()
        if key not in self._captured:
            try:
                self._add(key, step)
            except LaunchError:  # no fault of the capture
                raise
            except RuntimeError as error:  # of torch and of CUDA, a want of memory too
                # the end of a failed capture says only that it failed; what broke it came first
                self.give_up(first_line(error.__context__ or error))
                return step()
        captured = self._captured[key] = self._captured.pop(key)  # the newest used stands last
        captured.graph.replay()
        return captured.output

    def _is_early(self, key: Hashable, patience: float) -> bool:
        """Whether a step was asked for too seldom to be worth a capture yet."""
        if len(self._asked) > FORGETS:
            self._asked.clear()
        self._asked[key] += 1
        return key not in self._captured and self._asked[key] <= patience

    def give_up(self, reason: str) -> None:
        """Call every step as it is from now on, and say why; the graphs' memory goes back."""
        self.trouble, self._capture = reason, None
        self._captured.clear()
        print(f"rounds run without CUDA graphs: {reason}", file=sys.stderr, flush=True)

    def _add(self, key: Hashable, step: Step) -> None:
        if len(self._captured) == MOST:
            del self._captured[next(iter(self._captured))]  # the one that waited longest
        start = perf_counter()
        try:
            self._captured[key] = _Captured(step, *self._capture(step))
        finally:
            _spent.seconds = seconds_capturing() + perf_counter() - start


def graphs_on(device: torch.device) -> Graphs:
    """Graphs where ``device`` has them, and the kernels that a capture needs."""
    if device.type != "cuda":
        return Graphs(None)  # the device is the host: there is nothing to say
    graphs = Graphs(CudaCapture(device))
    if (reason := without_triton(device)) is not None or not runs_triton(device):
        graphs.give_up(reason or "the kernels were not asked for")
    elif CudaCapture.failed:
        graphs.give_up(CudaCapture.failed)
    return graphs
