"""EAGLE's head on the device, for trees whose shape is planned: level by level, all rows a pass.

Rows are those that catch up with the target's true features, then the tree; a drafted node's
feature is what the head predicted at its parent's row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from engine.device.drafters.blank import Blank, blank
from engine.device.drafters.child_writer import ChildWriter
from engine.device.drafters.head_buffers import HeadBuffers
from engine.device.drafters.head_rows import HeadRows
from engine.device.drafters.levels import Level, levels_of
from engine.device.drafters.rows import rows_below
from engine.device.drafters.waiting import Waiting
from engine.device.graphs import PATIENCE
from engine.device.lane import Lane
from engine.device.report import Report
from engine.device.report_layout import path_of
from engine.device.tree_buffers import TreeBuffers
from engine.drafters.drafter import Proposal, root_only
from engine.drafters.eagle import Eagle
from engine.records import CacheStep
from engine.tree import Shape
from kernels.ancestors import unpack_ancestors


@dataclass(frozen=True, slots=True, eq=False)
class FeatureStep:
    """Fills a tree of one shape.

    Attributes:
        head: reads the rows; the features of those behind are the first of the buffers' that wait.
        levels: of the tree.
    """

    head: HeadRows
    levels: tuple[Level, ...]
    writer: ChildWriter

    def __call__(self) -> torch.Tensor:
        """Write tokens, confidences and laws; returns the confidences."""
        self.writer.begin()
        context, rows, tree = self.head.context, self.head.rows, self.writer.tree
        features = context.model.fuse(self.head.buffers.waiting[: rows.size])
        above = unpack_ancestors(rows.bits)
        for level in self.levels:
            behind = self.head.read(rows.places, above, features)
            at = rows.last + level.parents
            self.writer(level, context.logits(behind.index_select(0, at)))
            below = rows.last + level.children
            rows.tokens.index_copy_(0, below, tree.tokens.index_select(0, level.children))
            known = behind.index_select(0, at.index_select(0, level.places))
            features = features.index_copy(0, below, known)
        self.writer.end()
        return tree.confidence


class DeviceEagle:
    """The head of one run.

    Args:
        drafter: what the run would draft with on the host; its cache is taken over.
        lane: the run's own.
        buffers: the head's, beside the lane.
    """

    def __init__(self, drafter: Eagle, lane: Lane, buffers: HeadBuffers) -> None:
        self.drafter, self.lane, self.buffers = drafter, lane, buffers
        self.max_depth, self.is_drawn = drafter.max_depth, drafter.children.is_drawn
        self.context = drafter.reader.context
        buffers.cache.adopt(self.context.cache)
        self.context.cache = buffers.cache
        self._waiting = Waiting(lane, buffers, *drafter.reader.waiting)
        self._missing: Sequence[int] = ()
        self._inner: frozenset[int] = frozenset()  # nodes that are to have children
        self._is_drafted, self._read = False, 0  # this round's tree; its nodes that are read

    def propose(self, history: Sequence[int], max_depth: int) -> Proposal:
        """A blank of the planned shape; the root alone where there is no feature yet."""
        shape = self.drafter.planner.shape(max_depth)
        self._is_drafted = len(shape) > 1 and self._waiting.count > 0
        self._missing = history[self.context.committed + 1 :]
        self._inner = frozenset(shape.parent)
        return blank(history, shape) if self._is_drafted else root_only(history)

    def fill(self, proposal: Blank, tree: TreeBuffers) -> torch.Tensor | None:
        """Queue a pass for each level."""
        attached, sampler = self.context.attached, self.drafter.children.sampler
        shape = Shape(proposal.parents, proposal.ranks)
        rows = rows_below(self._behind(), proposal, self.buffers.cache.length, self.buffers.tree)
        laws = self.lane.room(tree.size, self.lane.law_dtype) if self.is_drawn else None
        writer = ChildWriter(tree, sampler, self.lane.seen, laws, attached.vocab)
        head = HeadRows(self.buffers, self.context, rows)
        step = FeatureStep(head, levels_of(shape, tree.tokens.device), writer)
        key = (tree.size, rows.size, shape, sampler.processors, self.is_drawn)
        self.buffers.graphs.run(key, step, PATIENCE)
        self._waiting.clear()
        return laws

    def follow(self, numbers: torch.Tensor, tree: TreeBuffers) -> None:
        """Queue the states of the path behind those that wait; the host learns how many later."""
        self._waiting.follow(path_of(numbers, tree.size))

    def told(self, report: Report) -> None:
        """Every node that was to have children was read, the root with what caught up."""
        self._read = sum(slot in self._inner for slot in report.slots) - 1

    def commit(self, path: Sequence[int]) -> tuple[CacheStep, ...]:
        """Keep the rows of true features; drafted rows are forgotten."""
        self._waiting.note(len(path))
        if not self._is_drafted:
            return ()
        caught_up = len(self._missing)
        self.context.end_round()
        return (self.buffers.cache.settle(caught_up + self._read, range(caught_up)),)

    def _behind(self) -> Sequence[int]:
        """Tokens for the round's own passes to catch up with; what is far behind is read first."""
        if not self._waiting.is_far:
            return self._missing
        early = self._missing[:-1]
        features = self.context.model.fuse(self._waiting.take_early())
        self.context.read(features, early, range(-1, len(early) - 1))
        return self._missing[-1:]
