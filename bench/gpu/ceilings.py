"""What the card itself does: the bounds that every other line is held to."""

import torch

from bench.gpu.clock import time_on
from bench.gpu.lines import Ceilings, Line
from bench.gpu.scale import Scale


def measure_ceilings(scale: Scale) -> tuple[Ceilings, list[Line]]:
    """Bandwidth of a copy and the rate of a product, both far larger than the caches."""
    is_card = scale.device.type == "cuda"
    size, edge = (1 << 30, 8192) if is_card else (1 << 16, 64)
    source = torch.zeros(size // 2, dtype=torch.bfloat16, device=scale.device)
    target = torch.empty_like(source)
    copy = time_on(scale.device, lambda _: target.copy_(source), 4)
    left, right = (torch.randn(edge, edge, device=scale.device).to(scale.dtype) for _ in range(2))
    product = time_on(scale.device, lambda _: left @ right, 4)
    flops = 2 * edge**3
    found = Ceilings(2e6 * size / copy.median, 1e6 * flops / product.median)
    return found, [
        Line.timed("copy", copy, note=f"{found.bytes_a_second / 1e9:.0f} GB/s read and written"),
        Line.timed("product", product, note=f"{found.flops_a_second / 1e12:.1f} TFLOP/s"),
    ]
