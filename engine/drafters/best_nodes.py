"""EAGLE-2's dynamic tree (Li et al., 2024, arXiv 2406.16858, section 4): plain numbers.

A node's *value* is the product of the drafter's confidences from the root down to it, which
tells well how likely the node is to be accepted.  *Expand*: of every level the nodes with the
highest values are read, and each gets its most confident children.  *Rerank*: of all nodes of
all levels the N with the highest values are verified.

A value is never above that of the node's parent, and of equals the older is taken first, so
that the N best are a tree with no gaps among siblings.  For the same reason a child that N
older nodes are as good as is never in it, nor is anything below: it is left out at once.
"""

import heapq
from collections.abc import Sequence

from engine.drafters.drafter import Proposal


class Candidates:
    """The nodes drafted in one round that may be among its best, level by level.

    Args:
        history: the text; its last token is node 0.
        size: N, drafted nodes that are kept at the most.

    Attributes:
        inner: nodes, all of one level, that are read and get children next.
        above: per node of ``inner`` the place of its parent in the ``inner`` before it.
    """

    def __init__(self, history: Sequence[int], size: int) -> None:
        self.history, self.size = history, size
        self.tokens, self.parents, self.ranks = [history[-1]], [-1], [0]
        self.confidence: list[float | None] = [None]
        self.values = [1.0]
        self.level = [0]  # nodes of the newest level
        self.inner, self.above = [0], [0]
        self._best: list[float] = []  # heap of the N highest values

    def __len__(self) -> int:
        return len(self.tokens)

    def expand(self, tokens: Sequence[Sequence[int]], chances: Sequence[Sequence[float]]) -> None:
        """Hang the next level below the ``inner`` nodes.

        Args:
            tokens: [n, k] per node its children, the most confident first.
            chances: [n, k] the drafter's probabilities of them.
        """
        self.level = []
        for node, row, probs in zip(self.inner, tokens, chances, strict=True):
            for rank, (token, chance) in enumerate(zip(row, probs, strict=True)):
                value = self.values[node] * chance
                if not self._enter(value):
                    break  # its younger siblings are no better
                self.values.append(value)
                self.level.append(len(self.tokens))
                self.tokens.append(token)
                self.parents.append(node)
                self.ranks.append(rank)
                self.confidence.append(chance)

    def beam(self, width: int, size: int | None = None) -> list[int]:
        """Nodes of the newest level to read: the ``width`` best that are among the ``size`` best.

        Args:
            size: of all nodes; N where it is not given.
        """
        among = set(self._ordered(range(1, len(self)))[: self.size if size is None else size])
        return sorted(node for node in self._ordered(self.level)[:width] if node in among)

    def go_on(self, beam: list[int]) -> bool:
        """Let ``beam``, of the newest level, get children next; False where it is empty."""
        if beam:
            self.above = [self.inner.index(self.parents[node]) for node in beam]
            self.inner = beam
        return bool(beam)

    def best(self, count: int | None = None) -> Proposal:
        """The root and the ``count`` (or N) best nodes, as point masses."""
        order = self._ordered(range(1, len(self)))
        columns = (self.tokens, self.parents, self.ranks, self.confidence)
        whole = Proposal(*map(tuple, columns))
        return whole.subtree(order[: self.size if count is None else count])

    def _enter(self, value: float) -> bool:
        """Put one more value among the N highest; False where N older ones are as good."""
        if len(self._best) < self.size:
            heapq.heappush(self._best, value)
        elif not self._best or value <= self._best[0]:
            return False
        else:
            heapq.heapreplace(self._best, value)
        return True

    def _ordered(self, nodes: Sequence[int]) -> list[int]:
        """``nodes``, the best first, of equals the older."""
        return sorted(nodes, key=lambda node: (-self.values[node], node))
