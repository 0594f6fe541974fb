"""choose: which implementation a run uses, after the kernels were tried on its very device.

``SPECULOSCOPE_KERNELS`` is auto (the default), triton, flex or reference.  What was asked for
runs only where it can and where it gives the right result; a slower path runs everywhere.
"""

from functools import cache

import torch

from kernels.accept import (
    accept_greedy_reference,
    accept_greedy_triton,
    accept_reference,
    accept_triton,
)
from kernels.ancestors import pack_ancestors
from kernels.commit import commit_reference, commit_triton
from kernels.device import Choice, attention_path, card_of, refuse
from kernels.tiles import tile_for
from kernels.tree_attention import tree_attention_reference, tree_attention_triton

TOLERANCE = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1e-2}  # of a row's norm
PARENTS = (-1, 0, 0, 1, 1, 3, 2)  # a tree with every kind of relation


def choose(
    device: torch.device, dtype: torch.dtype, head_size: int, group: int, nodes: int
) -> Choice:
    """Which path runs for a model, and the reason as a clause: "triton: it can run here".

    Compiles and tries the kernels once a process for each device and shape, which takes
    seconds; a device where one fails or gives a wrong result is not asked again.

    Args:
        device: the model's.
        dtype: of its keys and values.
        head_size: of its heads.
        group: query heads for each key head.
        nodes: of the largest tree.
    """
    choice = attention_path(device, dtype, head_size, group, nodes)
    if choice.path != "triton":
        return choice
    if (found := fault(device, dtype, head_size, group)) is not None:
        refuse(device, found)
    return attention_path(device, dtype, head_size, group, nodes)


@cache
def fault(device: torch.device, dtype: torch.dtype, head_size: int, group: int) -> str | None:
    """What is wrong with the kernels on ``device``, as a clause; ``None`` where nothing is."""
    trials = {
        "tree_attention": lambda: _attention_error(device, dtype, head_size, group),
        "commit": lambda: _commit_error(device, dtype, head_size),
        "accept_greedy": lambda: _greedy_error(device),
        "accept": lambda: _accept_error(device),
    }
    for name, trial in trials.items():
        try:
            is_right = trial()
        except Exception as error:  # a compiler's failure may be of any type
            return f"kernel {name} failed: {str(error).splitlines()[-1] if str(error) else error!r}"
        if not is_right:
            return f"kernel {name} gave a wrong result"
    return None


def _attention_error(device: torch.device, dtype: torch.dtype, head_size: int, group: int) -> bool:
    """A tree of seven behind 300 slots, in two parts, for each row."""
    rng, length, nodes = torch.Generator().manual_seed(0), 300, len(PARENTS)
    query = torch.randn(nodes, 2 * group, head_size, generator=rng)
    keys, values = (torch.randn(2, length + nodes + 9, head_size, generator=rng) for _ in range(2))
    seen = torch.eye(nodes, dtype=torch.bool)
    for node, parent in enumerate(PARENTS[1:], start=1):
        seen[node] |= seen[parent]
    tensors = [tensor.to(device, dtype) for tensor in (query, keys, values)]
    numbers = [torch.tensor([number], device=device) for number in (length, nodes)]
    told = (*numbers, pack_ancestors(seen.to(device)), head_size**-0.5)
    card = card_of(device)
    tile = tile_for(dtype, head_size, nodes * group, card.major, card.shared)
    found = tree_attention_triton(*tensors, *told, tile, 2, least=64)
    exact = tree_attention_reference(*(tensor.double() for tensor in tensors), *told)
    error = (found.out.double() - exact.out).norm(dim=-1) / exact.out.norm(dim=-1)
    share_error = (found.share.double() - exact.share).abs().max()
    return bool(error.max() < TOLERANCE[dtype]) and bool(share_error < TOLERANCE[dtype])


def _commit_error(device: torch.device, dtype: torch.dtype, head_size: int) -> bool:
    """An overlapping move of five rows."""
    path, count, start = (torch.tensor(n, device=device) for n in ([0, 2, 3, 5, 8], [5], [4]))
    moved = [torch.randn(3, 2, 16, head_size, device=device).to(dtype) for _ in range(2)]
    right = [slots.clone() for slots in moved]
    commit_triton(*moved, path, count, start)
    commit_reference(*right, path, count, start)
    return all(map(torch.equal, moved, right))


def _greedy_error(device: torch.device) -> bool:
    """A walk of three nodes that ends the text."""
    tokens, parents, choice = (
        torch.tensor(numbers, device=device)
        for numbers in ([5, 3, 4, 6, 7, 2, 9], PARENTS, [3, 6, 1, 2, 1, 1, 1])
    )
    case = (tokens, parents, choice, torch.tensor([2], device=device))
    return all(map(torch.equal, accept_greedy_triton(*case), accept_greedy_reference(*case)))


def _accept_error(device: torch.device) -> bool:
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
