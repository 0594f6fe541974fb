"""What a judgement has to read, by which ``python -m bench.gpu`` bounds its time."""

import pytest
import torch

from bench.gpu.judgement import works
from bench.gpu.trees import random_laws
from kernels.language import HAS_TRITON
from kernels.point_thresholds import point_thresholds_triton
from kernels.thresholds import thresholds_triton


@pytest.mark.skipif(not HAS_TRITON, reason="the kernels themselves are asked")
def test_the_laws_of_nodes_without_children_are_not_read():
    laws = random_laws(torch.device("cpu"), 97, 9)
    tree, inner = (laws.tokens, laws.parents), set(laws.parents[1:].tolist())
    leaves = sorted(set(range(9)) - inner)
    right = thresholds_triton(*tree, laws.draft, laws.target)
    right_points = point_thresholds_triton(*tree, laws.target)
    moved = {name: count for name, (_, count) in works(laws).items()}
    for rows in (laws.draft, laws.target):
        rows[leaves] = torch.nan
    assert leaves and torch.equal(thresholds_triton(*tree, laws.draft, laws.target)[1], right[1])
    assert torch.equal(point_thresholds_triton(*tree, laws.target)[1], right_points[1])
    assert moved["accept"] == 2 * len(inner) * 97 * 4
    assert moved["accept, point masses"] == len(inner) * 97 * 4
