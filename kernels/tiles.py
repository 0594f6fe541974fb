"""Which tile the attention kernel uses: by dtype, head size and the rows there are to pack.

Chosen by what the compiler says of each (``tests/kernels/registers.json``: no spills, within
the shared memory); no timing on a card has shaped the table yet, ``bench/gpu`` is for that.
"""

from typing import NamedTuple

import torch

HEAD_SIZES = (64, 96, 128, 256)
DTYPES = (torch.float16, torch.bfloat16, torch.float32)
MAX_GROUP, MAX_ROWS = 16, 256
MAX_SPLITS = 32  # parts of the prefix
FEW_NODES = 64  # a warp holds them as fast as fewer, and every other block is compiled anew


class Tile(NamedTuple):
    """One configuration of the attention kernel."""

    rows: int  # queries of a program: BLOCK_M
    keys: int  # slots of a step: BLOCK_N
    warps: int
    stages: int
    shared: int  # bytes of shared memory that it needs at the most


Table = dict[tuple[int, int], tuple[Tile, ...]]

# (bytes of an element, head size padded to a power of two) -> tiles, small to large.
# Products of fp32 run outside the tensor cores, which would round them: small tiles do.
_FP32: Table = {
    (4, 64): (Tile(16, 32, 4, 2, 23040), Tile(32, 32, 4, 2, 29184)),
    (4, 128): (Tile(16, 32, 4, 2, 43520), Tile(32, 32, 8, 2, 53760)),
    (4, 256): (Tile(16, 32, 8, 2, 84480), Tile(32, 32, 8, 2, 102912)),
}
# mma.sync: Ampere and Ada, and what comes after them in a desktop
MMA: Table = _FP32 | {
    (2, 64): (Tile(16, 64, 4, 3, 36864), Tile(64, 64, 4, 3, 40960), Tile(128, 64, 8, 3, 49152)),
    (2, 128): (
        Tile(16, 64, 4, 3, 71680),
        Tile(32, 64, 8, 3, 77824),  # of 4 warps each needs all 255 registers, or more
        Tile(64, 32, 8, 3, 53248),
        Tile(128, 32, 8, 3, 65536),
    ),
    (2, 256): (Tile(16, 32, 4, 3, 74752), Tile(32, 32, 4, 2, 51200)),
}
# wgmma and tcgen05: Hopper and the data-centre Blackwells; 64 rows are the least they take
WGMMA: Table = _FP32 | {
    (2, 64): (Tile(16, 64, 4, 3, 36864), Tile(64, 64, 4, 3, 57856), Tile(128, 64, 8, 3, 67072)),
    (2, 128): (
        Tile(16, 64, 4, 3, 71680),
        Tile(32, 64, 8, 3, 77824),  # of 4 warps each needs all 255 registers, or more
        Tile(64, 64, 4, 2, 82432),
        Tile(128, 64, 8, 2, 99840),
    ),
    (2, 256): (Tile(16, 32, 4, 3, 74752), Tile(64, 32, 8, 2, 102400)),
}


def padded(head_size: int) -> int:
    """The power of two that holds ``head_size``."""
    return max(64, 1 << (head_size - 1).bit_length())


def node_block(nodes: int) -> int:
    """The power of two that holds a tree: one for all the usual sizes."""
    return max(FEW_NODES, 1 << (nodes - 1).bit_length())


def unsupported(dtype: torch.dtype, head_size: int, group: int, nodes: int) -> str | None:
    """Why the attention kernel cannot run this shape, as a clause; ``None`` where it can."""
    if dtype not in DTYPES:
        return f"the kernel computes in float16, bfloat16 or float32, not in {dtype}"
    if head_size not in HEAD_SIZES:
        return f"the kernel knows heads of {', '.join(map(str, HEAD_SIZES))}, not of {head_size}"
    if not 1 <= group <= MAX_GROUP:
        return f"1 to {MAX_GROUP} query heads may share a key head, not {group}"
    if not 1 <= nodes <= MAX_ROWS:
        return f"a tree has 1 to {MAX_ROWS} nodes, not {nodes}"
    return None


def table_of(major: int) -> Table:
    """The tiles for a card of compute capability ``major``."""
    return WGMMA if major in (9, 10) else MMA


def tile_for(dtype: torch.dtype, head_size: int, rows: int, major: int, shared: int) -> Tile | None:
    """The tile for ``rows`` queries of one group; ``None`` where the card holds none.

    Args:
        major: the card's compute capability.
        shared: bytes of shared memory that one block may use there.
    """
    tiles = table_of(major)[dtype.itemsize, padded(head_size)]
    fits = [tile for tile in tiles if tile.shared <= shared]
    enough = [tile for tile in fits if tile.rows >= rows]
    return enough[0] if enough else fits[-1] if fits else None


def num_splits(programs: int, capacity: int, processors: int) -> int:
    """Into how many parts to split the prefix: about one program for each processor.

    Args:
        programs: row blocks times key heads.
        capacity: slots there are; a part of fewer than 256 keys does not pay.
        processors: of the card.
    """
    wanted = max(1, processors // programs)
    return min(1 << (wanted.bit_length() - 1), max(1, capacity // 256), MAX_SPLITS)
