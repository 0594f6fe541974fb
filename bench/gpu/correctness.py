"""Is every kernel right on this card?  Before anything is timed."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch

from bench.gpu.lines import Ceilings, Line
from bench.gpu.scale import Model, Scale
from bench.gpu.ties import off_ties
from bench.gpu.trees import random_laws, random_slots
from kernels.accept import accept, accept_reference
from kernels.attention_shape import AttentionShape
from kernels.device import runs_triton
from kernels.reason import last_line
from kernels.tiles import HEAD_SIZES, MAX_ROWS
from kernels.top_entries import top_entries, top_entries_reference
from kernels.tree_attention import tree_attention, tree_attention_reference
from kernels.trials import TOLERANCE, fault

GROUPS = (1, 3, 4, 7, 16)
FEW = 7  # nodes where one tile is tried
RIGHT = "right"


def check_kernels(scale: Scale, _: Ceilings) -> Iterator[Line]:
    """The sizes that are timed, then small cases of every shape: each compiles anew."""
    is_card = scale.device.type == "cuda"
    for nodes in (1, 33, 256) if is_card else (3,):
        for length in (0, 1, 1000, 32_768, 131_072 - 300) if is_card else (0, 40):
            model = Model("", 1, 0, 0, 8, 2, 128 if is_card else 64, 0)
            check = partial(_attention_error, scale, model, nodes, length)
            yield checked(f"attention, {nodes} nodes behind {length}", check)
    for vocab, nodes in ((151_936, 64), (128_256, 17)) if is_card else ((300, 5),):
        check = partial(_judgement_error, scale, vocab, nodes)
        yield checked(f"judgement, {nodes} nodes over {vocab} tokens", check)
    for dtype, size, group, nodes in _shapes() if runs_triton(scale.device) else ():
        check = partial(fault, AttentionShape(scale.device, dtype, size, group, nodes))
        yield checked(f"all, {dtype}, heads of {size}, groups of {group}, {nodes} nodes", check)


def _shapes() -> Iterator[tuple[torch.dtype, int, int, int]]:
    """(dtype, head size, group, nodes): every tile of the usual shape, one of each other."""
    yield torch.bfloat16, 128, 4, MAX_ROWS
    for dtype in (torch.bfloat16, torch.float16):
        for size in HEAD_SIZES:
            for group in GROUPS if size == 128 else (4,):
                yield dtype, size, group, FEW
    yield torch.float32, 128, 4, FEW


def checked(name: str, check: Callable[[], str | None]) -> Line:
    """A check that fails to run is a line too, and the others follow."""
    try:
        wrong = check()
    except Exception as error:  # a compiler's or an allocator's: any type
        return Line(name, note=f"failed: {last_line(error):.120}")
    return Line(name, note=RIGHT if wrong is None else f"WRONG: {wrong}")


def why_not_trusted(notes: Sequence[str]) -> str | None:
    """Why the kernels are not to be used on this card, by what their checks' lines say.

    A part that crashed, hung or was left out has a line that is not right.
    """
    if any(note.startswith("WRONG") for note in notes):
        return "a kernel is wrong on this card: do not use it"
    if not notes or any(note != RIGHT for note in notes):
        return "not every kernel could be tried on this card: do not trust it"
    return None


def _attention_error(scale: Scale, model: Model, nodes: int, length: int) -> str | None:
    """The worst row's error against float64, where it is too large."""
    slots = random_slots(scale, model, nodes, length)
    query, keys, values, *rest = slots.arguments(0)
    keys[:, length + nodes :], values[:, length + nodes :] = torch.nan, torch.nan
    found = tree_attention(query, keys, values, *rest)
    exact = tree_attention_reference(query.double(), keys.double(), values.double(), *rest)
    error = float(((found.out.double() - exact.out).norm(dim=-1) / exact.out.norm(dim=-1)).max())
    return None if error < TOLERANCE[scale.dtype] else f"a row is off by {error:.1e}"


def _judgement_error(scale: Scale, vocab: int, nodes: int) -> str | None:
    """Decisions, and the record's entries."""
    for seed in range(6):
        torch.manual_seed(seed)
        laws = off_ties(random_laws(scale.device, vocab, nodes))
        told = (laws.tokens, laws.parents, laws.draft, laws.target)
        found = accept(*told, laws.uniforms, laws.ends)
        wide = (laws.tokens, laws.parents, laws.draft.double(), laws.target.double())
        exact = accept_reference(*wide, laws.uniforms, laws.ends)
        if not all(map(torch.equal, found[:5], exact[:5])):
            return f"path {found.path.tolist()[:8]}, not {exact.path.tolist()[:8]}"
        entries = top_entries(*told, laws.target, found, 8, 6)
        judged = (found.links, found.masses, *found[:3], 8, 6)
        right = top_entries_reference(*told, laws.target, *judged)
        if not torch.allclose(entries.columns, right.columns, atol=1e-5):
            return "the record's entries differ"
    return None
