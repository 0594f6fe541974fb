"""Suffix decoding (Oliaro et al., 2024, arXiv 2411.04975): a branching tree of what followed.

A trie counts every run of up to ``MAX_LENGTH`` tokens in the prompt and the output, another
one those of earlier runs.  The longest suffix of the text that occurred before is looked up,
and the most frequent continuations, weighted by their counts, make the draft tree.
"""

import heapq
from collections import deque
from collections.abc import Sequence

from engine.drafters.drafter import Proposal, root_only
from engine.planner import Planner
from engine.records import CacheStep

MAX_LENGTH = 24  # tokens of the longest run that is counted
MAX_NODES = 32  # drafted at most in one round
LEAST_CHANCE = 0.05  # of a node, given the text before the draft
MEMORY_TOKENS = 20_000  # of earlier runs that are kept, oldest forgotten first


class _Node:
    """One run of tokens: how often it occurred, and what came next."""

    __slots__ = ("below", "count")

    def __init__(self) -> None:
        self.count = 0
        self.below: dict[int, _Node] = {}


class SuffixTree:
    """Counts of all runs of up to ``MAX_LENGTH`` tokens of one growing text."""

    def __init__(self) -> None:
        self.root = _Node()
        self._active: list[_Node] = []  # nodes of the text's suffixes, shortest first

    def append(self, token: int) -> None:
        """Count the runs that end in ``token``."""
        grown = []
        for node in [self.root, *self._active[: MAX_LENGTH - 1]]:
            child = node.below.get(token)
            if child is None:
                child = node.below[token] = _Node()
            child.count += 1
            grown.append(child)
        self._active = grown

    def end_text(self) -> None:
        """What is appended next begins another text."""
        self._active = []

    def match(self) -> tuple[_Node | None, int]:
        """The node of the text's longest suffix that was continued before, and its length."""
        for length in range(len(self._active), 0, -1):
            if self._active[length - 1].below:
                return self._active[length - 1], length
        return None, 0

    def find(self, history: Sequence[int]) -> tuple[_Node | None, int]:
        """As ``match``, for another text's suffix."""
        for length in range(min(MAX_LENGTH - 1, len(history)), 0, -1):
            node: _Node | None = self.root
            for token in history[len(history) - length :]:
                node = node.below.get(token)
                if node is None:
                    break
            if node is not None and node.below:
                return node, length
        return None, 0


class SuffixMemory:
    """Texts of earlier runs, the oldest forgotten beyond ``MEMORY_TOKENS``."""

    def __init__(self) -> None:
        self.tree = SuffixTree()
        self._texts: deque[tuple[int, ...]] = deque()

    def remember(self, text: Sequence[int]) -> None:
        """Count a finished run's prompt and output."""
        self._texts.append(tuple(text[-(MEMORY_TOKENS // 2) :]))
        if sum(map(len, self._texts)) > MEMORY_TOKENS:
            while len(self._texts) > 1 and sum(map(len, self._texts)) > MEMORY_TOKENS // 2:
                self._texts.popleft()
            self.tree = SuffixTree()  # halving now and then: rebuilding stays rare
            for kept in self._texts:
                self._count(kept)
        else:
            self._count(self._texts[-1])

    def _count(self, text: Sequence[int]) -> None:
        for token in text:
            self.tree.append(token)
        self.tree.end_text()


class Suffix:
    """Drafts the frequent continuations of the longest suffix seen before."""

    max_depth = 16

    def __init__(self, planner: Planner, memory: SuffixMemory) -> None:
        self.planner, self.memory = planner, memory
        self._own = SuffixTree()
        self._counted = 0

    def propose(self, history: Sequence[int], max_depth: int) -> Proposal:
        """A tree by observed counts; the root alone where no suffix was seen before."""
        for token in history[self._counted :]:
            self._own.append(token)
        self._counted = len(history)
        own, own_length = self._own.match()
        old, old_length = self.memory.tree.find(history)
        node = old if old_length > own_length else own
        if node is None or max_depth == 0:
            return root_only(history)
        depth = min(max_depth, 1 + max(own_length, old_length))  # long matches reach far
        return self.planner.prune(_expand(history[-1], node, depth))

    def commit(self, path: Sequence[int]) -> tuple[CacheStep, ...]:
        """There is no cache to commit."""
        return ()


def _expand(root_token: int, start: _Node, max_depth: int) -> Proposal:
    """The most probable nodes below ``start``, best first, siblings by falling count."""
    tokens, parents, ranks = [root_token], [-1], [0]
    confidence: list[float | None] = [None]
    heap: list[tuple[float, int, int, int, int, _Node]] = []  # -chance, order, parent, depth, …

    def push(parent: int, depth: int, chance: float, node: _Node) -> None:
        # counts below may be short of the node's own: the newest run has no continuation yet
        total = sum(child.count for child in node.below.values())
        for token, child in node.below.items():
            share = chance * child.count / total
            if share >= LEAST_CHANCE and depth <= max_depth:
                order = len(tokens) * 100_000 + len(heap)
                heapq.heappush(heap, (-share, order, parent, depth, token, child))

    chances, num_children = [1.0], [0]
    push(0, 1, 1.0, start)
    while heap and len(tokens) <= MAX_NODES:
        negative, _, parent, depth, token, child = heapq.heappop(heap)
        tokens.append(token)
        parents.append(parent)
        ranks.append(num_children[parent])
        num_children[parent] += 1
        num_children.append(0)
        chances.append(-negative)
        confidence.append(-negative / chances[parent])
        push(len(tokens) - 1, depth + 1, -negative, child)
    return Proposal(tuple(tokens), tuple(parents), tuple(ranks), tuple(confidence))
