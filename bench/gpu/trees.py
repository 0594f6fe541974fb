"""Trees, slots and laws as a round has them, of random numbers."""

from dataclasses import dataclass

import torch

from bench.gpu.scale import Model, Scale
from kernels.ancestors import pack_ancestors


@dataclass(frozen=True, slots=True)
class Slots:
    """One round's inputs to the attention, with several layers' keys and values."""

    query: torch.Tensor  # [N, H, D]
    keys: list[torch.Tensor]  # [KV, slots, D] each
    values: list[torch.Tensor]
    length: torch.Tensor
    count: torch.Tensor
    seen: torch.Tensor  # [N, N]
    bits: torch.Tensor
    scale: float

    def arguments(self, layer: int) -> tuple:
        """Those of ``kernels.tree_attention`` for a layer, going round."""
        keys, values = self.keys[layer % len(self.keys)], self.values[layer % len(self.keys)]
        numbers = (self.length, self.count, self.bits, self.scale)
        return (self.query, keys, values, *numbers)


def random_parents(nodes: int) -> list[int]:
    """A tree about as wide as it is deep."""
    rng = torch.Generator().manual_seed(nodes)
    lowest = [max(0, node - 6) for node in range(nodes)]
    picks = [int(torch.randint(lowest[i], i, (1,), generator=rng)) for i in range(1, nodes)]
    return [-1, *picks]


def ancestors(parents: list[int]) -> torch.Tensor:
    """[N, N] bool: what each node sees."""
    seen = torch.eye(len(parents), dtype=torch.bool)
    for node, parent in enumerate(parents[1:], start=1):
        seen[node] |= seen[parent]
    return seen


def random_slots(
    scale: Scale, model: Model, nodes: int, length: int, dtype: torch.dtype | None = None
) -> Slots:
    """A tree of ``nodes`` behind ``length`` slots."""
    device, dtype = scale.device, dtype or scale.dtype
    shape = (model.kv_heads, length + nodes + 64, model.head_size)
    layers = max(2, -(-scale.around // (model.slot_bytes * shape[1])))
    keys, values = (
        [torch.randn(shape, device=device).to(dtype) for _ in range(layers)] for _ in range(2)
    )
    query = torch.randn(nodes, model.heads, model.head_size, device=device).to(dtype)
    seen = ancestors(random_parents(nodes)).to(device)
    numbers = (torch.tensor([n], device=device) for n in (length, nodes))
    bits = pack_ancestors(seen)
    return Slots(query, keys, values, *numbers, seen, bits, model.head_size**-0.5)


@dataclass(frozen=True, slots=True)
class Laws:
    """One round's inputs to the judgement."""

    tokens: torch.Tensor
    parents: torch.Tensor
    draft: torch.Tensor  # [N, V]
    target: torch.Tensor  # [N, V]
    uniforms: torch.Tensor
    ends: torch.Tensor


def random_laws(device: torch.device, vocab: int, nodes: int) -> Laws:
    """Laws alike enough for a path of some length."""
    logits = torch.randn(2, nodes, vocab, device=device) * 3
    logits[1] = logits[0] + logits[1] * 0.3
    draft, target = logits.softmax(-1)
    parents = torch.tensor(random_parents(nodes), device=device)
    tokens = draft[parents.clamp_min(0)].multinomial(1)[:, 0]
    uniforms = torch.rand(nodes, device=device, dtype=torch.float64)
    return Laws(tokens, parents, draft, target, uniforms, tokens.new_empty(0))
