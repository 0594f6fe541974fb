"""Prompt lookup (Saxena, 2023): what followed the same words where they first stood."""

from collections.abc import Sequence

from engine.drafters.drafter import Proposal, root_only
from engine.planning.planner import Planner
from engine.records import CacheStep
from engine.tree import chain

MAX_NGRAM = 3


class Lookup:
    """Drafts the continuation of the first place where the longest suffix n-gram stood."""

    max_depth = 16

    def __init__(self, planner: Planner) -> None:
        self.planner = planner
        self._first: dict[tuple[int, ...], int] = {}  # n-gram -> index behind its first place
        self._indexed = 0

    def propose(self, history: Sequence[int], max_depth: int) -> Proposal:
        """A chain copied from the history; the root alone where no n-gram repeats."""
        self._index(history)
        start, size = self._match(history)
        copied = tuple(history[start : start + max_depth]) if size else ()
        if not copied:
            return root_only(history)
        shape = chain(len(copied))
        confidence = (None, *(1.0,) * len(copied))
        tokens = (history[-1], *copied)
        proposal = Proposal(tokens, shape.parent, shape.rank, confidence)
        return self.planner.prune(proposal, grade=size)

    def commit(self, path: Sequence[int]) -> tuple[CacheStep, ...]:
        """There is no cache to commit."""
        return ()

    def _index(self, history: Sequence[int]) -> None:
        """Note every n-gram that ends before the last token: that one has no continuation yet."""
        for end in range(self._indexed + 1, len(history)):
            for size in range(1, min(MAX_NGRAM, end) + 1):
                self._first.setdefault(tuple(history[end - size : end]), end)
        self._indexed = max(self._indexed, len(history) - 1)

    def _match(self, history: Sequence[int]) -> tuple[int, int]:
        """Where the continuation of the longest repeated suffix begins, and its length or 0."""
        for size in range(min(MAX_NGRAM, len(history)), 0, -1):
            start = self._first.get(tuple(history[len(history) - size :]))
            if start is not None:
                return start, size
        return 0, 0
