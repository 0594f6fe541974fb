"""What follows the verifying pass: judge, draw, record, move the kept rows."""

from collections.abc import Callable, Iterator

import torch

from bench.gpu.clock import time_on
from bench.gpu.lines import Ceilings, Line
from bench.gpu.scale import Scale
from bench.gpu.trees import Laws, random_laws
from kernels.accept import accept, accept_greedy
from kernels.commit import commit
from kernels.top_entries import top_entries

PATH = (0, 1, 3, 6, 9, 14)  # the kept rows of a tree


def time_judgement(scale: Scale, ceilings: Ceilings) -> Iterator[Line]:
    """For the largest model's vocabulary and slots."""
    model, device = scale.models[0], scale.device
    for nodes in (16, 64) if device.type == "cuda" else (5,):
        laws = random_laws(device, model.vocab, nodes)
        for name, (work, moved) in works(laws).items():
            took, bound = time_on(device, work), ceilings.microseconds(moved)
            yield Line.timed(f"{name}, {nodes} nodes over {model.vocab} tokens", took, bound)
    shape = (model.layers, model.kv_heads, 2048 if device.type == "cuda" else 64, model.head_size)
    slots = [torch.zeros(shape, dtype=scale.dtype, device=device) for _ in range(2)]
    path, count, start = (torch.tensor(n, device=device) for n in (PATH, [len(PATH)], [40]))
    moved = 2 * model.slot_bytes * model.layers * (len(PATH) - 2)  # two rows stay in place
    took = time_on(device, lambda _: commit(*slots, path, count, start))
    name = f"commit, {len(PATH)} rows of {model.layers} layers"
    yield Line.timed(name, took, ceilings.microseconds(moved))


def works(laws: Laws) -> dict[str, tuple[Callable[[int], object], float]]:
    """What is timed, each with the bytes of laws that it has to read.

    A node without children is not judged by its laws: what is drawn behind it is one row more
    at the most, which is not counted.
    """
    told = (laws.tokens, laws.parents, laws.draft, laws.target)
    judged = accept(*told, laws.uniforms, laws.ends)
    choice, row = laws.target.argmax(-1), laws.target.nbytes // len(laws.tokens)
    inner = len(laws.parents[1:].unique()) * row
    points = (*told[:2], None, laws.target, laws.uniforms, laws.ends)
    return {
        "accept_greedy": (lambda _: accept_greedy(*told[:2], choice, laws.ends), 0),
        "accept": (lambda _: accept(*told, laws.uniforms, laws.ends), 2 * inner),
        "accept, point masses": (lambda _: accept(*points), inner),
        "top_entries": (
            lambda _: top_entries(*told, laws.target, judged, len(PATH), 6),
            3 * min(int(judged.count), len(PATH)) * row,
        ),
    }
