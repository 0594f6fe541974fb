"""Where the parts of a round's tree stand in memory."""

import pytest
import torch

from engine.device.tree_buffers import LARGER, SIZES, TreeBuffers


@pytest.mark.parametrize("size", [*SIZES, *LARGER])
def test_every_part_begins_at_a_multiple_of_16_bytes(size):
    """Elsewhere Triton compiles another kernel than the one that was tried."""
    buffers = TreeBuffers(size, torch.device("cpu"))
    parts = {name: part for name, part in vars(buffers).items() if isinstance(part, torch.Tensor)}
    assert len(parts) > 12
    assert {name: part.data_ptr() % 16 for name, part in parts.items()} == dict.fromkeys(parts, 0)


@pytest.mark.parametrize("size", [1, 12, 40])
def test_parts_are_as_long_as_they_are_told_to_be_and_share_nothing(size):
    buffers = TreeBuffers(size, torch.device("cpu"))
    lengths = {"tokens": size, "parents": size, "depths": size, "uniforms": size, "last": 1}
    lengths |= {"draws": 2 * size, "length": 1, "count": 1}
    for name, length in lengths.items():
        part = getattr(buffers, name)
        assert len(part) == length
        part.fill_(5)
        others = [getattr(buffers, other) for other in lengths if other != name]
        assert not any((other == 5).any() for other in others)
        part.fill_(0)
