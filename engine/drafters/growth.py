"""A static tree that is filled level by level while it is drafted."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from engine.drafters.children import Children
from engine.drafters.drafter import Proposal
from engine.tree import Shape, is_chain


class Growth:
    """A tree on its way from shape to proposal.

    Attributes:
        inner: nodes of the newest level that get children.
        above: per node of ``inner`` the place of its parent in the ``inner`` before it.
    """

    def __init__(self, history: Sequence[int], shape: Shape) -> None:
        self.history, self.shape = history, shape
        self.tokens, self.parents, self.ranks = [history[-1]], [-1], [0]
        self.confidence: list[float | None] = [None]
        self.laws: dict[int, Tensor] = {}  # node -> [Vd] what its children were drawn from
        self.inner, self.above = [0], [0]
        self._slots = [0]  # node -> node of the shape it fills
        self._below: dict[int, list[int]] = {}  # slot -> the slots below it
        for slot, parent in enumerate(shape.parent):
            self._below.setdefault(parent, []).append(slot)

    def fill(self, logits: Callable[[int], Tensor], children: Children) -> Proposal:
        """Fill every level.

        Args:
            logits: of level 0, 1 ...: [n, Vd] below each of ``inner``, or [1, Vd] below all.
        """
        for level in range(max(self.shape.depth)):
            if not self.inner:
                break
            self._hang(logits(level), children)
        laws = None
        if self.laws:
            empty = torch.zeros_like(self.laws[0])
            rows = [self.laws.get(node, empty) for node in range(len(self.tokens))]
            laws = children.vocab.spread(torch.stack(rows))
        columns = map(tuple, (self.tokens, self.parents, self.ranks, self.confidence))
        return Proposal(*columns, laws, branches=not is_chain(self.shape.parent))

    def _hang(self, logits: Tensor, children: Children) -> None:
        """Choose children for every inner node and hang them below it."""
        texts = children.sampler.texts(self.history, self.tokens, self.parents, self.inner)
        counts = [len(self._below[self._slots[node]]) for node in self.inner]
        if children.is_drawn:
            rows = logits.expand(len(counts), -1)
            tokens, chances, laws = children.drawn(rows, texts, counts)
            self.laws |= dict(zip(self.inner, laws, strict=True))
        else:
            tokens, chances = children.best(logits, texts, max(counts))
        parents, self.inner, self.above = self.inner, [], []
        for place, node in enumerate(parents):
            slots = self._below[self._slots[node]]
            for slot, token, chance in zip(slots, tokens[place], chances[place], strict=False):
                if slot in self._below:
                    self.inner.append(len(self.tokens))
                    self.above.append(place)
                self.tokens.append(token)
                self.parents.append(node)
                self.ranks.append(self.shape.rank[slot])
                self.confidence.append(chance)
                self._slots.append(slot)
