"""A whole pass over random weights: what a tree costs against one token.

The layers are a Llama's as the device's loop plays them (``engine.device.fuse``), in one graph.
"""

from collections.abc import Iterator
from functools import partial

import torch
from torch.nn.functional import linear, rms_norm

from bench.gpu.clock import time_on
from bench.gpu.lines import Ceilings, Line
from bench.gpu.scale import Model, Scale
from bench.gpu.trees import Slots, random_slots
from kernels.add_norm import add_norm
from kernels.gated import gated
from kernels.rotary_write import rotary_write
from kernels.tree_attention import tree_attention

EPS = 1e-5  # of the norms
Weights = list[torch.Tensor]  # of a layer: q k v, o, gate and up, down


def time_steps(scale: Scale, ceilings: Ceilings) -> Iterator[Line]:
    """Plain and verifying passes of every model."""
    for model in scale.models[:2]:
        yield from _time_model(scale, ceilings, model)


def _time_model(scale: Scale, ceilings: Ceilings, model: Model) -> Iterator[Line]:
    """Its weights live as long as its lines."""
    layers, head = random_weights(scale, model)
    read = sum(w.nbytes for layer in layers for w in layer) + head.nbytes
    for length in scale.contexts:
        plain = None
        for nodes in scale.nodes:
            slots = random_slots(scale, model, nodes, length)
            took = time_on(scale.device, partial(_turn, layers, head, slots), 1)
            plain = plain or took.median
            moved = read + model.layers * model.slot_bytes * (length + nodes)
            bound = ceilings.microseconds(moved, read * nodes)
            note = "" if nodes == 1 else f"{took.median / plain:.2f} x plain"
            yield Line.timed(f"{model.name}, {nodes} nodes behind {length}", took, bound, note)


def _turn(layers: list[Weights], head: torch.Tensor, slots: Slots, _: int) -> torch.Tensor:
    return forward(layers, head, slots)


def random_weights(scale: Scale, model: Model) -> tuple[list[Weights], torch.Tensor]:
    """Every layer's own, so that no cache holds them."""
    rows = model.heads * model.head_size
    shapes = [
        (rows + 2 * model.kv_heads * model.head_size, model.hidden),
        (model.hidden, rows),
        (2 * model.inner, model.hidden),
        (model.hidden, model.inner),
    ]
    options = {"device": scale.device, "dtype": scale.dtype}
    layers = [
        [torch.empty(shape, **options).normal_(std=0.02) for shape in shapes]
        for _ in range(model.layers)
    ]
    return layers, torch.empty(model.vocab, model.hidden, **options).normal_(std=0.02)


def forward(layers: list[Weights], head: torch.Tensor, slots: Slots) -> torch.Tensor:
    """[N, V] logits of a pass over the tree's nodes."""
    nodes, _, size = slots.query.shape
    hidden = head.new_full((nodes, head.shape[1]), 0.1)
    width, ones = hidden.shape[-1:], hidden.new_ones(hidden.shape[-1])
    rows = slots.length + torch.arange(nodes, device=hidden.device)
    turns = torch.logspace(0, -4, size // 2, device=hidden.device).repeat(2) * rows[:, None]
    cos, sin = turns.cos().to(hidden.dtype), turns.sin().to(hidden.dtype)
    for number, (qkv, out, gate_up, down) in enumerate(layers):
        heads = linear(rms_norm(hidden, width, ones, EPS), qkv).view(nodes, -1, size)
        _, keys, values, *rest = slots.arguments(number)
        query = rotary_write(heads, cos, sin, keys, values, rows)
        attended = tree_attention(query, keys, values, *rest).out
        hidden, normed = add_norm(hidden, linear(attended.flatten(1), out), ones, EPS)
        hidden.addmm_(gated(linear(normed, gate_up)), down.t())
    return linear(rms_norm(hidden, width, ones, EPS), head)
