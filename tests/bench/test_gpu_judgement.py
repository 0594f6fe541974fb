"""What a judgement has to read, by which ``python -m bench.gpu`` bounds its time."""

import torch

from bench.gpu.judgement import works
from bench.gpu.trees import random_laws


def test_a_judgement_is_bound_by_the_laws_of_nodes_that_have_children():
    """Of the others none is read: ``tests/kernels/test_accept.py``."""
    laws = random_laws(torch.device("cpu"), 97, 9)
    inner = set(laws.parents[1:].tolist())
    assert 0 < len(inner) < 9
    moved = {name: count for name, (_, count) in works(laws).items()}
    assert moved["accept"] == 2 * len(inner) * 97 * 4
    assert moved["accept, point masses"] == len(inner) * 97 * 4
