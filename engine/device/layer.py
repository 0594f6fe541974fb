"""A decoder layer whose sums are part of other kernels: of a norm, and of a product."""

from torch import Tensor, nn

from engine.device.mlp import FusedMLP
from engine.heads.decoder_layer import DecoderLayer
from engine.llama_kin import LAYERS
from kernels.add_norm import add_norm


class _Fused(nn.Module):
    """Goes before a layer's own class: transformers finds its layers by that."""

    def forward(self, hidden_states: Tensor, **options: object) -> Tensor:
        """The residual stream behind the layer; options by name, as of its own class."""
        attended, _ = self.self_attn(hidden_states=self.input_layernorm(hidden_states), **options)
        return _finish(self, attended, hidden_states)


class _FusedOfHead(DecoderLayer):
    """EAGLE's layer."""

    def _finish(self, attended: Tensor, residual: Tensor) -> Tensor:
        return _finish(self, attended, residual)


_FUSED = {kind: type(f"Fused{kind.__name__}", (_Fused, kind), {}) for kind in LAYERS}
_FUSED[DecoderLayer] = _FusedOfHead


def fused_layer(layer: nn.Module) -> nn.Module | None:
    """``layer`` itself, of another class from now on, as torch's parametrizations do it.

    ``None`` where it is of no class that is known.
    """
    kind = _FUSED.get(type(layer))
    if kind is None:
        return None
    layer.__class__ = kind
    return layer


def _finish(layer: nn.Module, attended: Tensor, residual: Tensor) -> Tensor:
    """What stands behind attention: its sum, and that of the feed-forward block."""
    norm = layer.post_attention_layernorm
    stream, normed = add_norm(residual, attended, norm.weight, norm.variance_epsilon)
    if isinstance(layer.mlp, FusedMLP):
        return layer.mlp.add_to(stream, normed)
    return stream + layer.mlp(normed)
