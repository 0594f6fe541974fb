"""What Triton would compile for the launches of a round, on a machine that has no card.

    python -m tests.kernels.variants        as JSON: of rounds by size, of the trials, of the table

Triton compiles a kernel anew for every address that is no multiple of 16 bytes and for every
number that is one, or 1.  Runs without Triton's interpreter, so in a process of its own.
"""

import json
from collections.abc import Callable
from contextlib import contextmanager

import torch
from triton.backends.compiler import GPUTarget
from triton.compiler import make_backend
from triton.runtime.jit import JITFunction, create_function_from_signature

from engine.device.tree_buffers import SIZES, TreeBuffers
from kernels.accept import accept_greedy_triton, accept_triton
from kernels.attention_shape import AttentionShape
from kernels.device import card_of
from kernels.judging_trials import accept_is_right, greedy_is_right
from kernels.tiles import num_splits, tile_for
from kernels.tree_attention import tree_attention_triton
from kernels.trials import _attention_is_right, _tiles_used
from tests.kernels.compiling import source_of
from tests.kernels.configurations import attention

CPU, BACKEND = torch.device("cpu"), make_backend(GPUTarget("cuda", 90, 32))
SHAPE = AttentionShape(CPU, torch.bfloat16, 128, 4, 256, 8)
VOCAB = 32_000

Variants = dict[str, set[str]]  # by the kernel's name


@contextmanager
def launches():
    """What is launched meanwhile is not: it is noted."""
    found, run = {}, JITFunction.run

    def noted(kernel, *args, grid, warmup, **options):
        binder = create_function_from_signature(kernel.signature, kernel.params, BACKEND)
        _, kinds, _ = binder(*args, **options)
        told = zip(kernel.arg_names, kinds, strict=True)
        found.setdefault(kernel.fn.__name__, set()).add(spelled(dict(told)))

    JITFunction.run = noted
    try:
        yield found
    finally:
        JITFunction.run = run


def spelled(kinds: dict[str, tuple]) -> str:
    """A variant in words: of each argument its type and D for a multiple of 16, or its value."""
    return ", ".join(
        f"{name}: {kind[0]} {'' if kind[1] is None else kind[1]}".strip()
        for name, kind in kinds.items()
    )


def of(work: Callable[[], object]) -> Variants:
    """Of what ``work`` launches; what it makes of numbers that were never written is nobody's."""
    with launches() as found:
        work()
    return found


def round_of(size: int) -> None:
    """The attention of one layer over a tree in its buffers, and the judgement both ways."""
    tree, card = TreeBuffers(size, CPU), card_of(CPU)
    query = torch.zeros(size, SHAPE.group * SHAPE.kv_heads, SHAPE.head_size, dtype=SHAPE.dtype)
    keys, values = torch.zeros(2, SHAPE.kv_heads, 2048, SHAPE.head_size, dtype=SHAPE.dtype)
    rows = size * SHAPE.group
    tile = tile_for(SHAPE.dtype, SHAPE.head_size, rows, card.major, card.shared)
    programs = (rows + tile.rows - 1) // tile.rows * SHAPE.kv_heads
    splits = num_splits(programs, 2048, 132)
    tree_attention_triton(query, keys, values, *tree.slots, SHAPE.head_size**-0.5, tile, splits)
    laws, ends = torch.zeros(size, VOCAB), torch.zeros(2, dtype=torch.int64)
    accept_greedy_triton(tree.tokens, tree.parents, tree.tokens.clone(), ends)
    for draft in (None, laws):
        accept_triton(tree.tokens, tree.parents, draft, laws, tree.uniforms, ends)


def trials() -> None:
    """Those of the kernels that ``round_of`` launches."""
    for rows, tile in _tiles_used(SHAPE):
        _attention_is_right(SHAPE.of(rows), tile)
    greedy_is_right(CPU)
    accept_is_right(CPU)


def table() -> set[str]:
    """The attention's variants that are compiled ahead of time."""
    found = set()
    for configuration in attention(9):
        source = source_of(configuration)
        names, kinds = configuration.kernel.arg_names, {}
        for place, name in enumerate(names):
            is_aligned = (place,) in source.attrs
            kinds[name] = (source.signature[name], "D" if is_aligned else "")
            if name in configuration.constants:
                kinds[name] = ("constexpr", configuration.constants[name])
        found.add(spelled(kinds))
    return found


def main() -> None:
    """All of it."""
    told = {
        "rounds": {size: of(lambda size=size: round_of(size)) for size in SIZES},
        "trials": of(trials),
        "table": table(),
    }
    print(json.dumps(told, default=sorted))


if __name__ == "__main__":
    main()
