"""The implementations tried on a device, against float64: whether they run there, and are right.

Small cases that have every kind of relation in them, for every tile that a run may use; a device
where one fails is told why, and what calls them takes a slower path.
"""

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import NamedTuple

import torch

from kernels.ancestors import pack_ancestors
from kernels.attention_shape import AttentionShape
from kernels.device import card_of
from kernels.flex import tree_attention_flex
from kernels.judging_trials import accept_is_right, entries_are_right, greedy_is_right
from kernels.moving_trials import commit_is_right, rotary_write_is_right
from kernels.reason import last_line
from kernels.row_trials import add_norm_is_right, gated_is_right
from kernels.tiles import Tile, padded, table_of, tile_for
from kernels.tree_attention import Attended, tree_attention_reference, tree_attention_triton

TOLERANCE = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1e-2}  # of a row's norm
MAX_WHY = 200  # characters of somebody else's message
LENGTH, SPARE = 130, 9  # slots before the tree, and behind it
WIDE = 65  # rows of a tree whose mask has three words
LEAST = 7  # nodes that have every kind of relation
FEW = 5  # of them, where some are read


@cache
def fault(shape: AttentionShape) -> str | None:
    """What is wrong with the kernels on a device, as a clause; ``None`` where nothing is.

    Every tile that trees of up to ``shape.nodes`` rows take is tried.
    """
    device, dtype, head_size, group, nodes, _ = shape
    tolerance = TOLERANCE.get(dtype, 1e-5)
    trials = {
        f"tree_attention of {rows} rows": partial(_attention_is_right, shape.of(rows), tile)
        for rows, tile in _tiles_used(shape)
    }
    trials |= {
        "tree_attention of some rows": lambda: _some_are_right(shape, min(nodes, FEW)),
        "commit": lambda: commit_is_right(device, dtype, head_size),
        "rotary_write": lambda: rotary_write_is_right(device, dtype, head_size, group, tolerance),
        "add_norm": lambda: add_norm_is_right(device, dtype, tolerance),
        "gated": lambda: gated_is_right(device, dtype, tolerance),
        "accept_greedy": lambda: greedy_is_right(device),
        "accept": lambda: accept_is_right(device),
        "top_entries": lambda: entries_are_right(device),
    }
    for name, trial in trials.items():
        if (found := _told(f"kernel {name}", trial)) is not None:
            return found
    return None


@cache
def flex_fault(shape: AttentionShape) -> str | None:
    """What is wrong with flex_attention on a device for trees padded to ``shape.nodes``."""
    return _told("flex_attention", lambda: _flex_is_right(shape))


def _told(name: str, trial: Callable[[], bool]) -> str | None:
    """How a trial ended, as a clause; ``None`` where it ended well.

    Raises:
        OutOfMemoryError: it could not be held.
    """
    try:
        return None if trial() else f"{name} gave a wrong result"
    except torch.OutOfMemoryError:  # of this moment: nothing is known of the kernel
        raise
    except Exception as error:  # a compiler's or an allocator's failure may be of any type
        return f"{name} failed: {last_line(error):.{MAX_WHY}}"


def _tiles_used(shape: AttentionShape) -> Iterator[tuple[int, Tile]]:
    """Rows of a tree, and the tile that it takes: the most that each holds, and several blocks."""
    device, dtype, head_size, group, nodes, _ = shape
    card = card_of(device)
    tiles = table_of(card.major)[dtype.itemsize, padded(head_size)]
    fits, before = [tile for tile in tiles if tile.shared <= card.shared], 0
    for tile in fits:
        if before < nodes:
            yield max(1, min(nodes, tile.rows // group)), tile
        before = tile.rows // group
    if fits and before < min(nodes, WIDE):
        yield min(nodes, WIDE), fits[-1]


class _Case(NamedTuple):
    """A padded tree behind ``LENGTH`` slots, and what is right for it."""

    arguments: tuple  # of ``kernels.tree_attention``
    exact: Attended
    count: int  # nodes; the rows behind them are padding

    def is_met(self, found: Attended) -> bool:
        """Row by row, and the mass on the tree."""
        tolerance = TOLERANCE.get(self.arguments[0].dtype, 1e-5)
        out, share = (part[: self.count].double() for part in found)
        right, right_share = (part[: self.count] for part in self.exact)
        error = (out - right).norm(dim=-1) / right.norm(dim=-1)
        share_error = (share - right_share).abs()
        return all(bool((off < tolerance).all()) for off in (error, share_error))  # not of NaN


def _parents(count: int) -> list[int]:
    """Siblings, cousins and a path that is longer than a word of the mask."""
    known = [-1, 0, 0, 1, 1, 3, 2]
    more = [node - 1 if node % 5 else node - 3 for node in range(len(known), count)]
    return [*known, *more][:count]


def _case(shape: AttentionShape, behind: float = torch.nan) -> _Case:
    """A tree padded to ``shape.nodes``; ``behind`` it stands what nothing may read."""
    device, dtype, head_size, group, rows, _ = shape
    rng, count = torch.Generator().manual_seed(0), rows - rows // 4
    query = torch.randn(rows, 2 * group, head_size, generator=rng)
    slots = (2, LENGTH + rows + SPARE, head_size)
    keys, values = (torch.randn(slots, generator=rng) for _ in range(2))
    keys[:, LENGTH + count :], values[:, LENGTH + count :] = behind, behind
    seen = torch.eye(rows, dtype=torch.bool)
    for node, parent in enumerate(_parents(count)[1:], start=1):
        seen[node] |= seen[parent]
    tensors = [tensor.to(device, dtype) for tensor in (query, keys, values)]
    numbers = [torch.tensor([number], device=device) for number in (LENGTH, count)]
    told = (*numbers, pack_ancestors(seen.to(device)), head_size**-0.5)
    exact = tree_attention_reference(*(tensor.double() for tensor in tensors), *told)
    return _Case((*tensors, *told), exact, count)


def _attention_is_right(shape: AttentionShape, tile: Tile) -> bool:
    """In two parts."""
    case = _case(shape)
    return case.is_met(tree_attention_triton(*case.arguments, tile, 2, least=64))


def _some_are_right(shape: AttentionShape, few: int) -> bool:
    """The last nodes of a tree alone, as a head reads a level of a growing one."""
    card, case = card_of(shape.device), _case(shape.of(WIDE))
    rows = few * shape.group
    tile = tile_for(shape.dtype, shape.head_size, rows, card.major, card.shared)
    query, keys, values, length, count, bits, scale = case.arguments
    some = slice(case.count - few, case.count)
    level = query[some], keys, values, length, count, bits[some].contiguous(), scale
    right = Attended(*(part[some] for part in case.exact))
    return _Case(level, right, few).is_met(tree_attention_triton(*level, tile, 2, least=64))


def _flex_is_right(shape: AttentionShape) -> bool:
    case = _case(shape.of(max(shape.nodes, LEAST)), 0.0)
    return case.is_met(Attended(*tree_attention_flex(*case.arguments)))
