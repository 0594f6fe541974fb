"""The sizes that are measured, and the small ones of a rehearsal without a card."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Model:
    """The shapes of a model's layers."""

    name: str
    layers: int
    hidden: int
    inner: int
    heads: int
    kv_heads: int
    head_size: int
    vocab: int

    @property
    def slot_bytes(self) -> int:
        """Keys and values of one token in one layer, in bf16."""
        return 2 * self.kv_heads * self.head_size * 2


@dataclass(frozen=True, slots=True)
class Scale:
    """What one run of the benchmark measures."""

    device: torch.device
    dtype: torch.dtype
    models: tuple[Model, ...]  # largest first; each drafts for the one before it
    contexts: tuple[int, ...]
    nodes: tuple[int, ...]
    around: int  # bytes of keys and values that are gone round, three times what caches hold
    rounds: int  # of each method


LLAMA_8B = Model("8B", 32, 4096, 14336, 32, 8, 128, 128_256)
SMALL = Model("150M", 6, 1024, 2816, 16, 4, 64, 128_256)  # drafts for the 1B
LLAMA_1B = Model("1B", 16, 2048, 8192, 32, 8, 64, 128_256)
TINY = Model("tiny", 2, 32, 48, 4, 2, 64, 300)


def scale_of(device: torch.device) -> Scale:
    """All of it on a card; a rehearsal elsewhere."""
    if device.type == "cuda":
        contexts, nodes = (1024, 8192, 32_768), (1, 8, 16, 32, 64, 128)
        return Scale(
            device, torch.bfloat16, (LLAMA_8B, LLAMA_1B, SMALL), contexts, nodes, 192 << 20, 40
        )
    return Scale(device, torch.float32, (TINY, TINY, TINY), (40,), (1, 16), 0, 3)
