"""A layer's gated feed-forward block with gate and up as one product."""

from torch import Tensor, nn
from transformers.activations import SiLUActivation
from transformers.models.llama.modeling_llama import LlamaMLP

from engine.device.joined import Joined
from kernels.gated import gated


class FusedMLP(nn.Module):
    """``down(act(gate(x)) * up(x))``."""

    def __init__(self, mlp: LlamaMLP) -> None:
        super().__init__()
        self.mlp, self.gate_up = mlp, Joined(mlp.gate_proj, mlp.up_proj)
        self.is_silu = isinstance(mlp.act_fn, nn.SiLU | SiLUActivation)

    def forward(self, hidden: Tensor) -> Tensor:
        """Map ``hidden`` [..., size] to the same shape."""
        return self.mlp.down_proj(self._inner(hidden))

    def add_to(self, stream: Tensor, hidden: Tensor) -> Tensor:
        """``stream`` [..., size] and what is said of ``hidden`` [..., size], added in its place.

        Args:
            stream: contiguous, and nobody else's.
        """
        down, inner = self.mlp.down_proj, self._inner(hidden)
        if type(down) is not nn.Linear or down.bias is not None:
            return stream + down(inner)
        stream.view(-1, stream.shape[-1]).addmm_(inner.flatten(0, -2), down.weight.t())
        return stream

    def _inner(self, hidden: Tensor) -> Tensor:
        """[..., inner] what passes the gate."""
        gate_up = self.gate_up(hidden)
        if self.is_silu:
            return gated(gate_up)
        gate, up = gate_up.chunk(2, dim=-1)
        return self.mlp.act_fn(gate) * up
