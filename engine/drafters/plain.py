"""Plain autoregressive decoding, the yardstick: a tree with only a root."""

from collections.abc import Sequence

from engine.drafters.drafter import Proposal, root_only
from engine.records import CacheStep


class Plain:
    """Drafts nothing."""

    max_depth = 0

    def propose(self, history: Sequence[int], max_depth: int) -> Proposal:
        """The root alone."""
        return root_only(history)

    def commit(self, path: Sequence[int]) -> tuple[CacheStep, ...]:
        """There is no cache to commit."""
        return ()
