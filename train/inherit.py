"""Layers of heads before their training: they begin as the target's last layer.

The target's layer reads a residual stream x through norms; a head reads the feature
f = w * x / rms(x) behind the final norm w.  Weights are folded so that the head's layer does to
f what the target's does to x.  What cannot be folded (rms of x and of w * x / rms(x)) is taken
as constant: training makes up for it.
"""

import torch
from torch import Tensor, nn
from transformers import LlamaConfig, PretrainedConfig, PreTrainedModel

from engine.heads.decoder_layer import DecoderLayer
from engine.heads.eagle import EagleHead
from engine.heads.eagle3 import Eagle3Head
from engine.heads.head_config import layer_config
from engine.heads.prefix_layer import PrefixLayer

PROJECTIONS = ("q_proj", "k_proj", "v_proj")
SURE = 0.6  # of the target's logits: a linear guess is less sure than it is
SHARE = 0.25  # of what the target's layer adds: what it reads is a guess already


def layer_config_of(told: PretrainedConfig) -> LlamaConfig:
    """What a head's layer of the target's shape is built from."""
    return layer_config({name: v for name, v in told.to_dict().items() if v is not None})


@torch.no_grad()
def inherit_prefix(prefix: PrefixLayer, target: PreTrainedModel) -> None:
    """Hydra++'s layer: a residual layer like the target's, with little to say at first."""
    prefix.layers[0].load_state_dict(target.model.layers[-1].state_dict())
    final = target.model.norm.weight
    for name in ("input_layernorm", "post_attention_layernorm"):
        weight = getattr(prefix.layers[0], name).weight
        weight.copy_(weight / final * final.abs().mean())
    for outer in (prefix.layers[0].self_attn.o_proj, prefix.layers[0].mlp.down_proj):
        outer.weight.copy_(final[:, None] * outer.weight / _rms_before_norm(target) * SHARE)
    prefix.norm.weight.copy_(_root_mean_square(final).expand_as(final))


@torch.no_grad()
def inherit_eagle(head: EagleHead, target: PreTrainedModel) -> None:
    """EAGLE's layer, which has no norm before its attention."""
    final = target.model.norm.weight
    _inherit(head.layer, target, final)
    source = target.model.layers[-1]
    scale = source.input_layernorm.weight / final
    for name in PROJECTIONS:
        weight = getattr(source.self_attn, name).weight
        getattr(head.layer.self_attn, name).weight.copy_(weight * scale)


@torch.no_grad()
def inherit_eagle3(head: Eagle3Head, target: PreTrainedModel) -> None:
    """EAGLE-3's feed-forward block and norms; its stream is the feature before the final norm."""
    source = target.model.layers[-1]
    _inherit(head.layer, target, None, _rms_before_norm(target))
    head.midlayer.hidden_norm.weight.fill_(1.0)
    head.midlayer.input_layernorm.weight.fill_(1.0)
    head.midlayer.post_attention_layernorm.weight.copy_(source.post_attention_layernorm.weight)
    head.norm.weight.copy_(target.model.norm.weight * SURE)


@torch.no_grad()
def own_keys(attention: nn.Module, num_heads: int) -> dict[str, Tensor]:
    """Weights of ``k_proj`` and ``v_proj`` that give each head a copy of the ones it shares."""
    found = {}
    for name in ("k_proj", "v_proj"):
        weight = getattr(attention, name).weight
        shared = weight.view(-1, attention.head_dim, weight.shape[1])
        found[name] = shared.repeat_interleave(num_heads // len(shared), 0).flatten(0, 1)
    return found


@torch.no_grad()
def pass_on(layer: DecoderLayer, step: Tensor, seed: int = 0, sharpness: float = 4.0) -> None:
    """Let the attention add ``step`` [H, 2 H] of its own row's inputs, as well as its rank allows.

    Queries and keys are one random projection of the word, so that a row looks at itself; the
    values carry what the step keeps of most weight.
    """
    attention, size = layer.self_attn, step.shape[0]
    width = attention.head_dim
    shared = attention.v_proj.out_features // width
    group = attention.q_proj.out_features // width // shared
    left, weight, right = torch.linalg.svd(step, full_matrices=False)
    kept = shared * width
    root = weight[:kept].sqrt()
    attention.v_proj.weight.copy_(root[:, None] * right[:kept])
    outer = (left[:, :kept] * root).view(size, shared, 1, width) / group
    attention.o_proj.weight.copy_(outer.expand(-1, -1, group, -1).reshape(size, -1))
    generator = torch.Generator().manual_seed(seed)
    basis = torch.linalg.qr(torch.randn(size, kept, generator=generator))[0].T
    words = torch.cat([basis, torch.zeros_like(basis)], 1) * sharpness**0.5
    attention.k_proj.weight.copy_(words)
    queries = words.view(shared, 1, width, -1).expand(-1, group, -1, -1)
    attention.q_proj.weight.copy_(queries.reshape(-1, words.shape[1]))


def _inherit(
    layer: DecoderLayer, target: PreTrainedModel, final: Tensor | None, size: Tensor | None = None
) -> None:
    """Everything behind the attention's inputs.

    Args:
        final: weight of the norm that the stream comes out of; ``None`` for the bare stream.
        size: of the bare stream, where the head's is to be 1.
    """
    source = target.model.layers[-1]
    layer.mlp.load_state_dict(source.mlp.state_dict())
    layer.post_attention_layernorm.load_state_dict(source.post_attention_layernorm.state_dict())
    layer.self_attn.o_proj.load_state_dict(source.self_attn.o_proj.state_dict())
    if final is None:
        outside: Tensor = 1 / size
    else:
        outside = final[:, None] / _rms_before_norm(target)
        weight = layer.post_attention_layernorm.weight
        weight.copy_(weight / final * _root_mean_square(final))
    for outer in (layer.self_attn.o_proj, layer.mlp.down_proj):
        outer.weight.copy_(outer.weight * outside * SHARE)


def _rms_before_norm(target: PreTrainedModel) -> Tensor:
    """Typical size of the residual stream that the final norm reads."""
    seen: list[Tensor] = []
    hook = target.model.norm.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    ids = torch.arange(100, 164) % target.config.vocab_size
    target.model(ids[None], use_cache=False)
    hook.remove()
    return _root_mean_square(seen[0][0, 1:]).mean()  # the first token's is out of all proportion


def _root_mean_square(rows: Tensor) -> Tensor:
    return rows.pow(2).mean(-1).sqrt()
