"""Is every kernel right on this card?  Before anything is timed."""

from collections.abc import Iterator

import torch

from bench.gpu.lines import Ceilings, Line
from bench.gpu.scale import Model, Scale
from bench.gpu.trees import random_laws, random_slots
from kernels.accept import accept, accept_reference
from kernels.device import runs_triton
from kernels.tiles import HEAD_SIZES
from kernels.top_entries import top_entries, top_entries_reference
from kernels.tree_attention import tree_attention, tree_attention_reference
from kernels.trials import TOLERANCE, fault

GROUPS = (1, 3, 4, 7, 16)


def check_kernels(scale: Scale, _: Ceilings) -> Iterator[Line]:
    """Small cases of every shape, then the sizes that are timed."""
    is_card = scale.device.type == "cuda"
    for dtype in TOLERANCE if runs_triton(scale.device) else ():
        for size in HEAD_SIZES:
            for group in GROUPS if size == 128 else (4,):
                wrong = fault(scale.device, dtype, size, group)
                yield _line(f"all, {dtype}, heads of {size}, groups of {group}", wrong)
    for nodes in (1, 33, 256) if is_card else (3,):
        for length in (0, 1, 1000, 32_768, 131_072 - 300) if is_card else (0, 40):
            model = Model("", 1, 0, 0, 8, 2, 128 if is_card else 64, 0)
            wrong = _attention_error(scale, model, nodes, length)
            yield _line(f"attention, {nodes} nodes behind {length}", wrong)
    for vocab, nodes in ((151_936, 64), (128_256, 17)) if is_card else ((300, 5),):
        yield _line(
            f"judgement, {nodes} nodes over {vocab} tokens", _judgement_error(scale, vocab, nodes)
        )


def _line(name: str, wrong: str | None) -> Line:
    return Line(name, note="right" if wrong is None else f"WRONG: {wrong}")


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
        laws = random_laws(scale.device, vocab, nodes)
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
