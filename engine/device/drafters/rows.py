"""Rows of one pass: what a drafter has not read yet, and the tree below the last of it."""

from collections.abc import Sequence

from engine.device.tree_buffers import TreeBuffers, TreePool
from engine.drafters.drafter import Proposal

MOST_BEHIND = 32  # rows that a round's own passes catch up with


def rows_below(
    behind: Sequence[int], proposal: Proposal, length: int, pool: TreePool
) -> TreeBuffers:
    """The rows, sent.

    Args:
        behind: tokens that were not read, the root the last of them; its row is ``last``.
        proposal: the tree.
        length: slots of the drafter's cache that are in use.
        pool: the drafter's own buffers.
    """
    root = len(behind) - 1
    tokens = [*behind, *proposal.tokens[1:]]
    parents = [*range(-1, root), *(parent + root for parent in proposal.parents[1:])]
    rows = pool(len(tokens))
    rows.fill(tokens, parents, length, tokens[:1], root)
    rows.send()
    return rows
