"""A layer's gated feed-forward block with gate and up as one product."""

from torch import Tensor, nn
from transformers.models.llama.modeling_llama import LlamaMLP

from engine.device.joined import Joined


class FusedMLP(nn.Module):
    """``down(act(gate(x)) * up(x))``."""

    def __init__(self, mlp: LlamaMLP) -> None:
        super().__init__()
        self.mlp, self.gate_up = mlp, Joined(mlp.gate_proj, mlp.up_proj)

    def forward(self, hidden: Tensor) -> Tensor:
        """Map ``hidden`` [..., size] to the same shape."""
        gate, up = self.gate_up(hidden).chunk(2, dim=-1)
        return self.mlp.down_proj(self.mlp.act_fn(gate) * up)
