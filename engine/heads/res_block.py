"""The block that Medusa's and Hydra's heads are made of: ``R x + SiLU(W x + b)``.

R is the identity where the block keeps the size, and a layer of its own where it narrows.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.packed.half_or_full import half_pays
from engine.packed.linear import PackedLinear, can_pack


class ResBlock(nn.Module):
    """A residual block [..., inputs] -> [..., size]; a new one hands its input's first part on.

    Args:
        inputs: width of what is read, ``size`` or a multiple of it.
        size: width of what is given.
        bias: whether W x has a b; vLLM's Medusa may do without.
    """

    def __init__(self, inputs: int, size: int, *, bias: bool = True) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, size, bias=bias)
        self.res_connection = nn.Linear(inputs, size) if inputs != size else None
        with torch.no_grad():
            self.linear.weight.zero_()
            if bias:
                self.linear.bias.zero_()
            if self.res_connection is not None:
                self.res_connection.bias.zero_()
                nn.init.eye_(self.res_connection.weight)

    def forward(self, rows: Tensor) -> Tensor:
        """Map ``rows`` [..., inputs] to [..., size]."""
        kept = rows if self.res_connection is None else self.res_connection(rows)
        return kept + F.silu(self.linear(rows))


class PackedResBlock(nn.Module):
    """CPU: an equal block with both of its layers as one product."""

    def __init__(self, block: ResBlock, *, halve: bool = True) -> None:
        super().__init__()
        self.narrows = block.res_connection is not None
        layers = (block.linear, block.res_connection) if self.narrows else (block.linear,)
        self.product = PackedLinear(*layers, halve=halve)

    def forward(self, rows: Tensor) -> Tensor:
        """Map ``rows`` [..., inputs] to [..., size]."""
        inner = self.product(rows)
        kept = rows
        if self.narrows:
            inner, kept = inner.chunk(2, dim=-1)
        return kept + F.silu(inner)


def pack_blocks(parent: nn.Module) -> int:
    """Swap every block below ``parent`` that can be packed; a shared one stays shared.

    Their weights are kept in half the bytes where this CPU is no slower for it.
    """
    packed: dict[nn.Module, nn.Module] = {}
    for module in parent.modules():
        for name, child in module.named_children():
            if isinstance(child, ResBlock) and _can_pack(child):
                if child not in packed:
                    packed[child] = PackedResBlock(child, halve=half_pays())
                setattr(module, name, packed[child])
    return len(packed)


def _can_pack(block: ResBlock) -> bool:
    return can_pack(block.linear) and (
        block.res_connection is None or can_pack(block.res_connection)
    )
