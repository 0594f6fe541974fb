"""What every drafting method offers: a proposal, and a commit of its own caches."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from engine.config import RankPath
from engine.records import CacheStep


@dataclass(frozen=True, slots=True)
class Proposal:
    """A draft tree; node 0 is the root, parents come first, siblings in test order."""

    tokens: tuple[int, ...]  # [N]
    parents: tuple[int, ...]  # [N], -1 for the root
    ranks: tuple[int, ...]  # [N] order among siblings
    confidence: tuple[float | None, ...]  # [N] the drafter's own probability; None for the root
    laws: torch.Tensor | None = None  # [N, V] laws the children were drawn from; None: point masses
    branches: bool = False  # what it was drawn on does, even where too few tokens were left for it

    @property
    def num_drafted(self) -> int:
        """Nodes without the root."""
        return len(self.tokens) - 1

    def rank_paths(self) -> list[RankPath]:
        """[N] per node the ranks from the root down to it."""
        paths: list[RankPath] = [()]
        for parent, rank in zip(self.parents[1:], self.ranks[1:], strict=True):
            paths.append((*paths[parent], rank))
        return paths

    def subtree(self, kept: Iterable[int]) -> "Proposal":
        """The root and ``kept``, a parent-closed set of point masses; ranks close up."""
        nodes = sorted({0, *kept})
        number = {-1: -1} | {node: place for place, node in enumerate(nodes)}
        parents = tuple(number[self.parents[node]] for node in nodes)
        return Proposal(
            tuple(self.tokens[node] for node in nodes),
            parents,
            ranks_of(parents),
            tuple(self.confidence[node] for node in nodes),
        )


class Drafter(Protocol):
    """One drafting method in one run."""

    max_depth: int  # the longest path it drafts when the settings leave it free

    def propose(self, history: Sequence[int], max_depth: int) -> Proposal:
        """Draft behind ``history``, whose last token is the root, at most ``max_depth`` deep."""
        ...

    def commit(self, path: Sequence[int]) -> tuple[CacheStep, ...]:
        """Keep the nodes of ``path`` (the root first) in the drafter's caches, free the rest."""
        ...


def root_only(history: Sequence[int]) -> Proposal:
    """The proposal that drafts nothing."""
    return Proposal((history[-1],), (-1,), (0,), (None,))


def ranks_of(parents: Sequence[int]) -> tuple[int, ...]:
    """[N] elder siblings of each node; 0 for the root."""
    born: Counter[int] = Counter()
    ranks = []
    for parent in parents:
        ranks.append(born[parent])
        born[parent] += 1
    return tuple(ranks)
