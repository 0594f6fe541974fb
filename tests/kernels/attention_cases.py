"""Random trees with keys and values for the attention kernel, poisoned where nothing may read."""

import torch

from engine.tree import ancestors
from kernels.ancestors import pack_ancestors

TOLERANCE = {torch.float32: 2e-6, torch.float16: 2e-3, torch.bfloat16: 1e-2}


def random_parents(nodes, rng):
    """Parents come first; any tree of that size may come out."""
    pick = [int(torch.randint(0, i, (1,), generator=rng)) for i in range(1, nodes)]
    return (-1, *pick)


class Case:
    """The arguments of one call; ``spare`` padding rows and slots hold NaN."""

    def __init__(self, nodes, length, heads=4, kv_heads=2, size=64, dtype=torch.float32, spare=0):
        rng = torch.Generator().manual_seed(nodes * 1000 + length)
        self.parents = random_parents(nodes, rng)
        capacity, rows = length + nodes + spare + 3, nodes + spare
        self.query = torch.randn(rows, heads, size, generator=rng)
        self.keys = torch.randn(kv_heads, capacity, size, generator=rng)
        self.values = torch.randn(kv_heads, capacity, size, generator=rng)
        self.query[nodes:] = torch.nan
        self.keys[:, length + nodes :] = torch.nan
        self.values[:, length + nodes :] = torch.nan
        self.query, self.keys, self.values = (
            t.to(dtype) for t in (self.query, self.keys, self.values)
        )
        seen = torch.zeros(rows, rows, dtype=torch.bool)
        seen[:nodes, :nodes] = torch.from_numpy(ancestors(self.parents))
        seen[nodes:] = True  # what padding rows claim to see
        self.bits = pack_ancestors(seen)
        self.length, self.count = torch.tensor([length]), torch.tensor([nodes], dtype=torch.int32)
        self.scale = size**-0.5

    @property
    def arguments(self):
        return (
            self.query, self.keys, self.values, self.length, self.count, self.bits, self.scale
        )  # fmt: skip

    def exact(self, reference):
        """The reference in float64, of the very numbers the kernel reads."""
        query, keys, values, *rest = self.arguments
        return reference(query.double(), keys.double(), values.double(), *rest)


def worst_row(found, exact):
    """The largest relative error of a row: a whole tensor's would hide one wrong row."""
    found, exact = found.double().flatten(1), exact.flatten(1)
    norm = exact.norm(dim=1)
    return float(((found - exact).norm(dim=1) / norm.where(norm > 0, torch.ones(()))).max())
