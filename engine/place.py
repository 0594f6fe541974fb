"""Where a target is best decoded on this machine, and how torch is set up for it."""

import torch

from kernels.device import without_triton


def best_device() -> str:
    """The first card that the kernels run on, as they are wished for; else the CPU."""
    if not torch.cuda.is_available():
        return "cpu"
    return "cpu" if without_triton(torch.device("cuda", 0)) else "cuda:0"


def set_up(device: str | torch.device) -> None:
    """Before a model comes to ``device``.

    cuDNN's attention, torch's first choice on newer cards, plans anew for every length of a pass:
    tens of milliseconds, where the trees of a run have many lengths.
    """
    if torch.device(device).type == "cuda":
        torch.backends.cuda.enable_cudnn_sdp(False)
