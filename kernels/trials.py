"""The implementations tried on a device, against float64: whether they run there, and are right.

Small cases that have every kind of relation in them; a device where one fails is told why, and
what calls them takes a slower path.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch

from kernels.accept import (
    accept_greedy_reference,
    accept_greedy_triton,
    accept_reference,
    accept_triton,
)
from kernels.ancestors import pack_ancestors
from kernels.commit import commit_reference, commit_triton
from kernels.device import card_of
from kernels.flex import tree_attention_flex
from kernels.reason import last_line
from kernels.tiles import tile_for
from kernels.tree_attention import Attended, tree_attention_reference, tree_attention_triton

TOLERANCE = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1e-2}  # of a row's norm
MAX_WHY = 200  # characters of somebody else's message
PARENTS = (-1, 0, 0, 1, 1, 3, 2)  # a tree with every kind of relation


@cache
def fault(device: torch.device, dtype: torch.dtype, head_size: int, group: int) -> str | None:
    """What is wrong with the kernels on ``device``, as a clause; ``None`` where nothing is."""
    trials = {
        "tree_attention": lambda: _attention_is_right(device, dtype, head_size, group),
        "commit": lambda: _commit_is_right(device, dtype, head_size),
        "accept_greedy": lambda: _greedy_is_right(device),
        "accept": lambda: _accept_is_right(device),
    }
    for name, trial in trials.items():
        if (found := _told(f"kernel {name}", trial)) is not None:
            return found
    return None


@cache
def flex_fault(
    device: torch.device, dtype: torch.dtype, head_size: int, group: int, nodes: int
) -> str | None:
    """What is wrong with flex_attention on ``device`` for trees padded to ``nodes``."""
    return _told("flex_attention", lambda: _flex_is_right(device, dtype, head_size, group, nodes))


def _told(name: str, trial: Callable[[], bool]) -> str | None:
    """How a trial ended, as a clause; ``None`` where it ended well."""
    try:
        return None if trial() else f"{name} gave a wrong result"
    except Exception as error:  # a compiler's or an allocator's failure may be of any type
        return f"{name} failed: {last_line(error):.{MAX_WHY}}"


class _Case(NamedTuple):
    """A tree of seven behind 300 slots, and what is right for it."""

    arguments: tuple  # of ``kernels.tree_attention``
    exact: Attended

    def is_met(self, found: Attended) -> bool:
        """Row by row, and the mass on the tree."""
        exact, tolerance = self.exact, TOLERANCE.get(self.arguments[0].dtype, 1e-5)
        error = (found.out.double() - exact.out).norm(dim=-1)[: len(PARENTS)]
        error = error / exact.out.norm(dim=-1)[: len(PARENTS)]
        share_error = (found.share.double() - exact.share).abs().max()
        return bool(error.max() < tolerance) and bool(share_error < tolerance)


def _case(device: torch.device, dtype: torch.dtype, head_size: int, group: int, rows: int) -> _Case:
    """The tree padded to ``rows``."""
    rng, length, nodes = torch.Generator().manual_seed(0), 300, len(PARENTS)
    query = torch.randn(rows, 2 * group, head_size, generator=rng)
    keys, values = (torch.randn(2, length + rows + 9, head_size, generator=rng) for _ in range(2))
    seen = torch.eye(rows, dtype=torch.bool)
    for node, parent in enumerate(PARENTS[1:], start=1):
        seen[node] |= seen[parent]
    tensors = [tensor.to(device, dtype) for tensor in (query, keys, values)]
    numbers = [torch.tensor([number], device=device) for number in (length, nodes)]
    told = (*numbers, pack_ancestors(seen.to(device)), head_size**-0.5)
    exact = tree_attention_reference(*(tensor.double() for tensor in tensors), *told)
    return _Case((*tensors, *told), exact)


def _attention_is_right(
    device: torch.device, dtype: torch.dtype, head_size: int, group: int
) -> bool:
    """In two parts."""
    case, card = _case(device, dtype, head_size, group, len(PARENTS)), card_of(device)
    tile = tile_for(dtype, head_size, len(PARENTS) * group, card.major, card.shared)
    return case.is_met(tree_attention_triton(*case.arguments, tile, 2, least=64))


def _flex_is_right(
    device: torch.device, dtype: torch.dtype, head_size: int, group: int, nodes: int
) -> bool:
    case = _case(device, dtype, head_size, group, max(nodes, len(PARENTS)))
    return case.is_met(Attended(*tree_attention_flex(*case.arguments)))


def _commit_is_right(device: torch.device, dtype: torch.dtype, head_size: int) -> bool:
    """An overlapping move of five rows."""
    path, count, start = (torch.tensor(n, device=device) for n in ([0, 2, 3, 5, 8], [5], [4]))
    moved = [torch.randn(3, 2, 16, head_size, device=device).to(dtype) for _ in range(2)]
    right = [slots.clone() for slots in moved]
    commit_triton(*moved, path, count, start)
    commit_reference(*right, path, count, start)
    return all(map(torch.equal, moved, right))


def _greedy_is_right(device: torch.device) -> bool:
    """A walk of three nodes that ends the text."""
    tokens, parents, choice = (
        torch.tensor(numbers, device=device)
        for numbers in ([5, 3, 4, 6, 7, 2, 9], PARENTS, [3, 6, 1, 2, 1, 1, 1])
    )
    case = (tokens, parents, choice, torch.tensor([2], device=device))
    return all(map(torch.equal, accept_greedy_triton(*case), accept_greedy_reference(*case)))


def _accept_is_right(device: torch.device) -> bool:
    """Trees over 5,000 tokens, judged with laws and as point masses."""
    rng, nodes = torch.Generator().manual_seed(0), len(PARENTS)
    laws = (torch.randn(2, nodes, 5000, generator=rng) * 3).softmax(-1)
    laws[1] = (laws[0] + laws[1]) / 2
    parents = torch.tensor(PARENTS)
    tokens = laws[0, parents.clamp_min(0)].argmax(-1) + torch.arange(nodes) % 2
    for _ in range(4):
        uniforms = torch.rand(nodes, generator=rng, dtype=torch.float64)
        draft, target = laws.to(device)
        told = [t.to(device) for t in (tokens, parents, uniforms, torch.tensor([0]))]
        for q in (draft, None):
            found = accept_triton(*told[:2], q, target, *told[2:])
            wide = None if q is None else q.double()
            exact = accept_reference(*told[:2], wide, target.double(), *told[2:])
            if not all(map(torch.equal, found[:5], exact[:5])):
                return False
    return True
