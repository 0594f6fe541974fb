"""CPU: linear layers that share an input as one product over a weight packed beforehand.

It knows matrices and the libraries that multiply them, and nothing of models.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Frobenius norm of what half a float may lose, against that of the weight: fp32's own rounding.
_LOSS = 2.0**-24
_half_product = torch.ops.quantized.linear_dynamic_fp16.default
_ROWS = 16  # oneDNN packs for this many; it is as good as any for 1 to 64


class PackedLinear(nn.Module):
    """``x @ weight.t() + bias`` for the stacked weights of linear layers with one input.

    A pass over few rows is bound by reading the weights.  Weights that were stored in bf16 or
    fp16 fit into fp16 without loss (bf16 but for values below 2^-17, of which less is lost than
    fp32 rounds off), so they are kept in half the bytes; FBGEMM widens them on the way and
    multiplies and adds in fp32.  All others are packed by oneDNN, or left as they are where
    neither library is.

    Args:
        linears: layers that pass ``can_pack`` and have the same ``in_features``.
        halve: allow fp16.
    """

    def __init__(self, *linears: nn.Linear, halve: bool = True) -> None:
        super().__init__()
        self.in_features = linears[0].in_features
        self.out_features = sum(linear.out_features for linear in linears)
        weight = torch.cat([linear.weight.detach() for linear in linears])
        self.bias, self.is_half, self.is_blocked = _stack_biases(linears), False, False
        if halve and _has_fbgemm() and _fits_half(weight):
            self.is_half = True
            self.weight = torch.ops.quantized.linear_prepack_fp16(weight, self.bias)
        elif torch.backends.mkldnn.is_available():
            self.is_blocked = True
            self.weight = torch.ops.mkldnn._reorder_linear_weight(weight, _ROWS)
        else:
            self.weight = weight

    def forward(self, rows: Tensor) -> Tensor:
        """Map ``rows`` [..., in] to [..., out]."""
        if self.is_half:
            # else torch asks the weight's wrapper for __torch_function__, which throws in C++:
            # 8 us a call, twice what the call itself costs
            with torch._C.DisableTorchFunctionSubclass():
                return _half_product(rows, self.weight)
        if self.is_blocked:
            return torch.ops.mkldnn._linear_pointwise(rows, self.weight, self.bias, "none", [], "")
        return F.linear(rows, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Shape and storage, for ``print(model)``."""
        storage = "half" if self.is_half else "blocked" if self.is_blocked else "plain"
        return f"in={self.in_features}, out={self.out_features}, {storage}"


def can_pack(*linears: nn.Module | None) -> bool:
    """Whether all are plain linear layers in fp32 on the CPU."""
    return all(type(linear) is nn.Linear and is_plain_cpu(linear.weight) for linear in linears)


def is_plain_cpu(tensor: Tensor) -> bool:
    """Whether ``tensor`` is in fp32 on the CPU."""
    return tensor.dtype == torch.float32 and tensor.device.type == "cpu"


def _stack_biases(linears: tuple[nn.Linear, ...]) -> Tensor | None:
    """[out] biases, zero where a layer has none; ``None`` where no layer has one."""
    if all(linear.bias is None for linear in linears):
        return None
    return torch.cat(
        [
            linear.weight.new_zeros(linear.out_features) if linear.bias is None else linear.bias
            for linear in linears
        ]
    ).detach()


def _has_fbgemm() -> bool:
    """Whether fp16 products run on FBGEMM, whose sums are fp32."""
    return torch.backends.quantized.engine in ("x86", "fbgemm")


def _fits_half(weight: Tensor) -> bool:
    """Whether fp16 loses less of ``weight`` than fp32 arithmetic does."""
    loss = (weight - weight.half().float()).norm()
    return bool(loss <= _LOSS * weight.norm())  # False where fp16 overflows
