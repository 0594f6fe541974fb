"""Moments of a round on the device: how long it was at each part, without a wait of their own."""

from time import perf_counter

import torch


class Marks:
    """Two moments for every round of one run.  On a CPU the device is the host."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        is_remote = device.type == "cuda"
        self._events = [torch.cuda.Event(enable_timing=True) for _ in range(2 * is_remote)]
        self._times = [0.0, 0.0]

    def mark(self, number: int) -> None:
        """The device comes by moment ``number`` after what was queued so far."""
        if self._events:
            self._events[number].record(torch.cuda.current_stream(self._device))
        else:
            self._times[number] = perf_counter()

    @property
    def seconds(self) -> float:
        """From the first moment to the second; to be asked once the device is known to be past."""
        if self._events:
            return self._events[0].elapsed_time(self._events[1]) / 1000
        return self._times[1] - self._times[0]
