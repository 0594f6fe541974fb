"""How far two texts agree."""

from collections.abc import Sequence
from itertools import takewhile


def common_prefix(ours: Sequence[int], theirs: Sequence[int]) -> int:
    """Leading tokens that are equal."""
    pairs = zip(ours, theirs, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
