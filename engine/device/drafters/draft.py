"""A draft model on the device: level by level, each level one pass over all rows there are.

A pass over a tree costs what one over its newest level does, where weights are what is read;
in return every pass has the same shape.  Rows that are not filled yet are seen by none above.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from engine.device.context import StaticContext
from engine.device.drafters.blank import Blank, blank
from engine.device.drafters.child_writer import ChildWriter
from engine.device.drafters.levels import Level, levels_of
from engine.device.drafters.rows import MOST_BEHIND, rows_below
from engine.device.graphs import PATIENCE
from engine.device.lane import Lane
from engine.device.report import Report
from engine.device.report_layout import kept_of, path_of
from engine.device.tree_buffers import TreeBuffers
from engine.drafters.draft import Draft
from engine.drafters.drafter import Proposal
from engine.records import CacheStep
from engine.tree import Shape


@dataclass(frozen=True, slots=True, eq=False)
class DraftStep:
    """Fills a tree of one shape.

    Attributes:
        context: the draft model's.
        rows: tokens that it has not read, then the tree below the last of them, the root, whose
            row is ``rows.last``.
        levels: of the tree.
    """

    context: StaticContext
    rows: TreeBuffers
    levels: tuple[Level, ...]
    writer: ChildWriter

    def __call__(self) -> torch.Tensor:
        """Write tokens, confidences and laws; returns the confidences."""
        self.writer.begin()
        rows, tree = self.rows, self.writer.tree
        for level in self.levels:
            logits = self.context.read(rows)
            self.writer(level, logits.index_select(0, rows.last + level.parents))
            fresh = tree.tokens.index_select(0, level.children)
            rows.tokens.index_copy_(0, rows.last + level.children, fresh)
        self.writer.end()
        return tree.confidence


class DeviceDraft:
    """The draft model of one run.

    Args:
        drafter: what the run would draft with on the host; its cache is taken over.
        lane: the run's own.
        beside: the draft model's.
    """

    def __init__(self, drafter: Draft, lane: Lane, beside: Lane) -> None:
        self.drafter, self.lane, self.beside = drafter, lane, beside
        self.max_depth, self.is_drawn = drafter.max_depth, drafter.children.is_drawn
        beside.cache.adopt(drafter.context.cache)
        self.context = StaticContext(drafter.context.model, beside.cache, {})
        drafter.context = self.context
        self._missing: Sequence[int] = ()
        self._shape: Shape | None = None  # of this round's tree; ``None`` if nothing is drafted
        self._inner: list[int] = []  # nodes of it that have been read: those with children
        self._sent: TreeBuffers | None = None  # the round's rows

    def propose(self, history: Sequence[int], max_depth: int) -> Proposal:
        """A blank of the planned shape."""
        shape = self.drafter.planner.shape(self.drafter.depth_left(history, max_depth))
        self._shape = shape if len(shape) > 1 else None
        self._missing = history[self.context.committed :]
        return blank(history, shape)

    def fill(self, proposal: Blank, tree: TreeBuffers) -> torch.Tensor | None:
        """Queue a pass for each level."""
        children, rows = self.drafter.children, self._rows(proposal)
        laws = self.lane.room(tree.size, self.lane.law_dtype) if self.is_drawn else None
        writer = ChildWriter(tree, children.sampler, self.lane.seen, laws, children.vocab)
        step = DraftStep(self.context, rows, levels_of(self._shape, tree.tokens.device), writer)
        told = (tree.size, rows.size, self._shape, children.sampler.processors)
        self.beside.graphs.run(told, step, PATIENCE)
        return laws

    def follow(self, numbers: torch.Tensor, tree: TreeBuffers) -> None:
        """Queue the move of the accepted nodes' rows; the last level's were never read."""
        if self._shape is None:
            return
        kept = kept_of(numbers).clamp_max(max(self._shape.depth)).int()
        path = path_of(numbers, tree.size).int()
        self.context.cache.move(path, kept, self._sent.length + self._sent.last)

    def told(self, report: Report) -> None:
        """Which of the planned nodes are there, and were to have children."""
        parents = frozenset(() if self._shape is None else self._shape.parent)
        self._inner = [node for node, slot in enumerate(report.slots) if node and slot in parents]

    def commit(self, path: Sequence[int]) -> tuple[CacheStep, ...]:
        """Note the root's row and those accepted nodes that were read: the inner ones."""
        if self._shape is None:
            return ()  # the model did not run: it catches up in a later round
        behind = len(self._missing)
        kept = [behind + self._inner.index(node) for node in path[1:] if node in self._inner]
        return (self.context.settle(behind + len(self._inner), [*range(behind), *kept]),)

    def _rows(self, proposal: Blank) -> TreeBuffers:
        """The rows of this round, sent; what is far behind was read before."""
        early = self._missing[:-1] if len(self._missing) > MOST_BEHIND else ()
        if early:
            self.context.catch_up(early)
        behind, length = self._missing[len(early) :], self.context.cache.length
        self._sent = rows_below(behind, proposal, length, self.beside.tree)
        return self._sent
