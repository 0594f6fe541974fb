"""EAGLE's heads in a few lines of the papers' arithmetic, over tensors by their published names.

Nothing of the project's is used here: rotations are complex numbers, heads are repeated, masks
are triangles.
"""

import torch


def layer(w, prefix, x, residual, heads, kv_heads, theta, eps):
    """One decoder layer over x [T, ·] and its residual [T, H], whole texts only."""
    get = {k.removeprefix(prefix): v.double() for k, v in w.items() if k.startswith(prefix)}
    q, k, v = (linear(get, f"self_attn.{n}_proj", x) for n in "qkv")
    q, k, v = q.view(len(q), heads, -1), k.view(len(k), kv_heads, -1), v.view(len(v), kv_heads, -1)
    if "self_attn.q_norm.weight" in get:
        q, k = (normed(t, get[f"self_attn.{n}_norm.weight"], eps) for t, n in ((q, "q"), (k, "k")))
    q, k = rotated(q, theta), rotated(k, theta)
    k, v = (t.repeat_interleave(heads // kv_heads, 1) for t in (k, v))
    scores = torch.einsum("qhd,khd->hqk", q, k) / q.shape[-1] ** 0.5
    scores = scores.masked_fill(torch.ones(len(x), len(x)).triu(1).bool(), -torch.inf)
    attended = torch.einsum("hqk,khd->qhd", scores.softmax(-1), v).flatten(1)
    hidden = residual + linear(get, "self_attn.o_proj", attended)
    x = normed(hidden, get["post_attention_layernorm.weight"], eps)
    gate, up = (linear(get, f"mlp.{n}_proj", x) for n in ("gate", "up"))
    return hidden + linear(get, "mlp.down_proj", gate * gate.sigmoid() * up)


def eagle(w, features, words, heads, kv_heads, theta=10_000.0, eps=1e-6):
    """EAGLE-1: features [T, H] behind pairs of feature and word [T, H]."""
    x = linear(w, "fc", torch.cat([words, features], -1))
    return layer(w, "layers.0.", x, x, heads, kv_heads, theta, eps)


def eagle3(w, fused, words, heads, kv_heads, theta=10_000.0, eps=1e-6):
    """EAGLE-3: states a [T, H] behind pairs of fused feature and word [T, H]."""
    emb = normed(words, w["midlayer.input_layernorm.weight"], eps)
    hid = normed(fused, w["midlayer.hidden_norm.weight"], eps)
    return layer(w, "midlayer.", torch.cat([emb, hid], -1), fused, heads, kv_heads, theta, eps)


def linear(w, name, x):
    bias = w.get(f"{name}.bias")
    return x @ w[f"{name}.weight"].double().T + (0.0 if bias is None else bias.double())


def normed(x, weight, eps):
    return x / (x.square().mean(-1, keepdim=True) + eps).sqrt() * weight.double()


def rotated(x, theta):
    """Pairs (i, i + D/2) of [T, heads, D] turned by t / theta^(2i / D)."""
    half = x.shape[-1] // 2
    turns = theta ** (-torch.arange(half, dtype=torch.float64) / half)
    angles = torch.arange(len(x), dtype=torch.float64)[:, None, None] * turns
    turned = torch.complex(x[..., :half], x[..., half:]) * torch.polar(angles * 0 + 1, angles)
    return torch.cat([turned.real, turned.imag], -1)
