"""Numbers on their way from the device to the host: copied while the host goes on, awaited once."""

import numpy as np
import torch


class HostCopy:
    """A pinned buffer of its own for one size of report."""

    def __init__(self, like: torch.Tensor) -> None:
        self._device, is_remote = like.device, like.device.type == "cuda"
        self._host = torch.empty(like.shape, dtype=like.dtype, pin_memory=is_remote)
        self._event = torch.cuda.Event() if is_remote else None

    def start(self, numbers: torch.Tensor) -> None:
        """Queue the copy behind what the device is at."""
        self._host.copy_(numbers, non_blocking=True)
        if self._event is not None:
            self._event.record(torch.cuda.current_stream(self._device))

    def wait(self) -> None:
        """Until the copy is there: the one place in a round where the host waits."""
        if self._event is not None:
            self._event.synchronize()

    def read(self) -> np.ndarray:
        """The numbers, after a ``wait``; the next round's come to the same buffer."""
        return self._host.numpy().copy()
