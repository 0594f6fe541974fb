"""The kernels that judge a tree, tried on a device against their references in float64."""

from collections.abc import Iterator
from itertools import islice

import torch

from kernels.accept import (
    Accepted,
    accept_greedy_reference,
    accept_greedy_triton,
    accept_reference,
    accept_triton,
)
from kernels.top_entries import top_entries_reference, top_entries_triton

PARENTS = (-1, 0, 0, 1, 1, 3, 2)  # a tree with every kind of relation
VOCAB, TRIES = 5008, 4  # as of real models a multiple of 16, which is compiled for itself
ROWS, TOP = 5, 6  # of the record: the tree's longest path, entries of each law

Case = tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, torch.Tensor]


def greedy_is_right(device: torch.device) -> bool:
    """A walk of three nodes that ends the text."""
    tokens, parents, choice = (
        torch.tensor(numbers, device=device)
        for numbers in ([5, 3, 4, 6, 7, 2, 9], PARENTS, [3, 6, 1, 2, 1, 1, 1])
    )
    case = (tokens, parents, choice, torch.tensor([2], device=device))
    return all(map(torch.equal, accept_greedy_triton(*case), accept_greedy_reference(*case)))


def accept_is_right(device: torch.device) -> bool:
    """Decisions and the drawn token, judged with laws and as point masses."""
    for case, uniforms, ends in _judged(device):
        found = accept_triton(*case, uniforms, ends)
        exact = accept_reference(*_wide(case), uniforms, ends)
        if not all(map(torch.equal, found[:5], exact[:5])):
            return False
    return True


def entries_are_right(device: torch.device) -> bool:
    """What the record keeps of those judgements: the tokens, and the numbers at them."""
    for case, uniforms, ends in islice(_judged(device), 2):  # with laws, and as point masses
        exact = accept_reference(*_wide(case), uniforms, ends)
        logits = case[3].log()
        found = top_entries_triton(*case, logits, *_at(exact), ROWS, TOP)
        right = top_entries_reference(*_wide(case), logits.double(), *_at(exact), ROWS, TOP)
        numbers = zip(found[1:], right[1:], strict=True)
        is_right = torch.equal(found.tokens, right.tokens)
        if not is_right or not all(torch.allclose(a.double(), b, atol=1e-5) for a, b in numbers):
            return False
    return True


def _judged(device: torch.device) -> Iterator[tuple[Case, torch.Tensor, torch.Tensor]]:
    """Trees over ``VOCAB`` tokens, with laws and as point masses: (case, uniforms, ends)."""
    rng, nodes = torch.Generator().manual_seed(0), len(PARENTS)
    laws = (torch.randn(2, nodes, VOCAB, generator=rng) * 3).softmax(-1)
    laws[1] = (laws[0] + laws[1]) / 2
    parents = torch.tensor(PARENTS)
    tokens = laws[0, parents.clamp_min(0)].argmax(-1) + torch.arange(nodes) % 2
    for _ in range(TRIES):
        uniforms = torch.rand(nodes, generator=rng, dtype=torch.float64)
        draft, target = laws.to(device)
        told = [t.to(device) for t in (tokens, parents, uniforms, torch.tensor([0]))]
        for q in (draft, None):
            yield (*told[:2], q, target), *told[2:]


def _wide(case: Case) -> Case:
    """The same laws in float64."""
    tokens, parents, draft, target = case
    return tokens, parents, None if draft is None else draft.double(), target.double()


def _at(judged: Accepted) -> tuple[torch.Tensor, ...]:
    """A judgement as the entries' kernel takes it: masses in fp32."""
    return judged.links, judged.masses.float(), *judged[:3]
