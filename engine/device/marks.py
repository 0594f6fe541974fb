"""Moments of a round on the device: how long it was at each part, without a wait of their own."""

from time import perf_counter

import torch

MOMENTS = 3


class Marks:
    """Three moments for every round of one run.  On a CPU the device is the host."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        count = MOMENTS if device.type == "cuda" else 0
        self._events = [torch.cuda.Event(enable_timing=True) for _ in range(count)]
        self._times = [0.0] * MOMENTS

    def mark(self, number: int) -> None:
        """The device comes by moment ``number`` after what was queued so far."""
        if self._events:
            self._events[number].record(torch.cuda.current_stream(self._device))
        else:
            self._times[number] = perf_counter()

    def seconds(self, number: int) -> float:
        """From moment ``number`` to the next; asked once the device is known to be past both."""
        if self._events:
            return self._events[number].elapsed_time(self._events[number + 1]) / 1000
        return self._times[number + 1] - self._times[number]
