"""Programs in another order than the interpreter's: a race between them then shows."""

import random
from contextlib import contextmanager
from itertools import product

from triton.runtime.interpreter import InterpreterBuilder

ORDERS = ("ascending", "reversed", "shuffled")


@contextmanager
def program_order(order):
    """Hand program ids out reversed or shuffled while a launch is interpreted."""
    original = InterpreterBuilder.set_grid_idx
    renamed = {}

    def set_grid_idx(self, x, y, z):
        if self.grid_dim not in renamed:
            ids = list(product(*map(range, self.grid_dim)))
            other = ids[::-1] if order == "reversed" else random.Random(0).sample(ids, len(ids))
            renamed[self.grid_dim] = dict(zip(ids, other, strict=True))
        original(self, *renamed[self.grid_dim][x, y, z])

    if order != "ascending":
        InterpreterBuilder.set_grid_idx = set_grid_idx
    try:
        yield
    finally:
        InterpreterBuilder.set_grid_idx = original
