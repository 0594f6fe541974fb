"""Hydra's and Hydra++'s heads written down once more from the paper, in fp64, row by row."""

import torch
import torch.nn.functional as F


def block(tensors, name, x):
    """R x + SiLU(W x + b); R is the identity where the file has none."""
    w, b = (tensors[f"{name}.linear.{part}"].double() for part in ("weight", "bias"))
    kept = x
    if f"{name}.res_connection.weight" in tensors:
        r, c = (tensors[f"{name}.res_connection.{part}"].double() for part in ("weight", "bias"))
        kept = r @ x + c
    return kept + F.silu(w @ x + b)


def head(tensors, index, layers, x, speak, output):
    """Logits [V] of one head; ``layers`` are the numbers of its blocks in the file."""
    for layer in layers:
        x = block(tensors, f"hydra_mlp.{index}.{layer}", x)
    if f"{output}.weight" in tensors:
        return tensors[f"{output}.weight"].double() @ x + tensors[f"{output}.bias"].double()
    return speak.double() @ x


def norm(weight, x, eps):
    """Root-mean-square norm of the last dimension."""
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * weight.double()


def rotate(x, theta):
    """Rotary embedding of [T, heads, D] at positions 0 ... T - 1."""
    num, _, size = x.shape
    speed = theta ** (-torch.arange(0, size, 2).double() / size)
    angle = (torch.arange(num).double()[:, None] * speed)[:, None]
    left, right = x.chunk(2, -1)
    cos, sin = angle.cos(), angle.sin()
    return torch.cat([left * cos - right * sin, right * cos + left * sin], -1)


def prefix(tensors, states, heads, kv_heads, theta, eps):
    """The prefix layer's output [T, H]: one Llama layer and a norm over states [T, H]."""
    part = {
        key.removeprefix("prefix_embeding_layer."): value.double()
        for key, value in tensors.items()
        if key.startswith("prefix_embeding_layer.")
    }
    num, size = states.shape
    x = norm(part["layers.0.input_layernorm.weight"], states, eps)
    q, k, v = (x @ part[f"layers.0.self_attn.{n}_proj.weight"].T for n in "qkv")
    each = size // heads
    q, k = rotate(q.view(num, heads, each), theta), rotate(k.view(num, kv_heads, each), theta)
    k, v = (t.repeat_interleave(heads // kv_heads, 1) for t in (k, v.view(num, kv_heads, each)))
    scores = torch.einsum("ihd,jhd->hij", q, k) / each**0.5
    later = torch.ones(num, num, dtype=torch.bool).triu(1)
    weights = scores.masked_fill(later, -torch.inf).softmax(-1)
    attended = torch.einsum("hij,jhd->ihd", weights, v).reshape(num, size)
    x = states + attended @ part["layers.0.self_attn.o_proj.weight"].T
    y = norm(part["layers.0.post_attention_layernorm.weight"], x, eps)
    gate, up = (y @ part[f"layers.0.mlp.{n}_proj.weight"].T for n in ("gate", "up"))
    x = x + (F.silu(gate) * up) @ part["layers.0.mlp.down_proj.weight"].T
    return norm(part["norm.weight"], x, eps)
