"""EAGLE's head on the device, for trees whose shape is planned: level by level, all rows a pass.

Rows are those that catch up with the target's true features, then the tree; a drafted node's
feature is what the head predicted at its parent's row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from engine.drafters.drafter import Proposal, root_only
from engine.drafters.eagle import Eagle
from engine.graphs import PATIENCE
from engine.heads.head_context import HeadContext
from engine.lane import Lane
from engine.records import CacheStep
from engine.static_drafters.blank import Blank, blank
from engine.static_drafters.desk import Desk
from engine.static_drafters.hang import Hang
from engine.static_drafters.levels import Level, levels_of
from engine.static_drafters.rows import rows_below
from engine.static_drafters.waiting import Waiting
from engine.tree import Shape
from engine.tree_buffers import TreeBuffers


@dataclass(frozen=True, slots=True, eq=False)
class FeatureStep:
    """Fills a tree of one shape.

    Attributes:
        context: the head's, on the desk's cache.
        rows: tokens that were not read, then the tree below the last of them, whose row is
            ``rows.last``; their features are the first of the desk's that wait.
        levels: of the tree.
    """

    desk: Desk
    context: HeadContext
    rows: TreeBuffers
    levels: tuple[Level, ...]
    hang: Hang

    def __call__(self) -> torch.Tensor:
        """Write tokens, confidences and laws; returns the confidences."""
        self.hang.begin()
        rows, tree = self.rows, self.hang.tree
        features = self.context.model.fuse(self.desk.waiting[: rows.size])
        for level in self.levels:
            behind = self._read(features)
            at = rows.last + level.parents
            self.hang(level, self.context.logits(behind.index_select(0, at)))
            below = rows.last + level.children
            rows.tokens.index_copy_(0, below, tree.tokens.index_select(0, level.children))
            known = behind.index_select(0, at.index_select(0, level.places))
            features = features.index_copy(0, below, known)
        return tree.confidence

    def _read(self, features: torch.Tensor) -> torch.Tensor:
        """[size, H] features behind all rows."""
        rows, cache = self.rows, self.desk.cache
        words = self.context.attached.embed(rows.tokens[None])
        places = (rows.length + rows.depths)[None]
        cache.rows = rows.length + rows.places
        try:
            mask = rows.mask(cache.capacity, features.dtype)
            return self.context.model(features[None], words, places, mask, cache)[0]
        finally:
            cache.rows = None


class DeviceEagle:
    """The head of one run.

    Args:
        drafter: what the run would draft with on the host; its cache is taken over.
        lane: the run's own.
        desk: the head's, beside the lane.
    """

    def __init__(self, drafter: Eagle, lane: Lane, desk: Desk) -> None:
        self.drafter, self.lane, self.desk = drafter, lane, desk
        self.max_depth, self.is_drawn = drafter.max_depth, drafter.children.is_drawn
        self.context, self.last = drafter.reader.context, 0
        desk.cache.adopt(self.context.cache)
        self.context.cache = desk.cache
        self._waiting = Waiting(lane, desk, *drafter.reader.waiting)
        self._missing: Sequence[int] = ()
        self._shape: Shape | None = None  # of this round's tree; ``None`` if nothing is drafted

    def propose(self, history: Sequence[int], max_depth: int) -> Proposal:
        """A blank of the planned shape; the root alone where there is no feature yet."""
        shape = self.drafter.planner.shape(max_depth)
        is_drafted = len(shape) > 1 and self._waiting.count > 0
        self._shape = shape if is_drafted else None
        self._missing = history[self.context.committed + 1 :]
        return blank(history, shape) if is_drafted else root_only(history)

    def fill(self, proposal: Blank, tree: TreeBuffers) -> torch.Tensor | None:
        """Queue a pass for each level."""
        attached, sampler = self.context.attached, self.drafter.children.sampler
        rows = self._rows(proposal)
        laws = self.lane.room(tree.size, self.lane.law_dtype) if self.is_drawn else None
        hang = Hang(tree, sampler, self.lane.seen, laws, attached.widen, attached.best)
        levels = levels_of(self._shape, tree.tokens.device)
        step = FeatureStep(self.desk, self.context, rows, levels, hang)
        key = (tree.size, rows.size, self._shape, sampler.processors, self.is_drawn)
        self.desk.graphs.run(key, step, PATIENCE)
        self._waiting.clear()
        return laws

    def follow(self, numbers: torch.Tensor, tree: TreeBuffers) -> None:
        """Queue the states of the path behind those that wait; the host learns how many later."""
        self._waiting.follow(numbers[2 : 2 + tree.size])

    def commit(self, path: Sequence[int]) -> tuple[CacheStep, ...]:
        """Keep the rows of true features; drafted rows are forgotten."""
        self._waiting.note(len(path))
        if self._shape is None:
            return ()
        caught_up, inner = len(self._missing), len(set(self._shape.parent)) - 2
        self.context.end_round()
        return (self.desk.cache.settle(caught_up + inner, range(caught_up)),)

    def _rows(self, proposal: Blank) -> TreeBuffers:
        """The rows of this round, sent; what is far behind was read before."""
        behind = self._catch_up() if self._waiting.is_far else self._missing
        return rows_below(behind, proposal, self.desk.cache.length, self.desk.tree)

    def _catch_up(self) -> Sequence[int]:
        """Read all that waits but the last; returns what is left of the tokens."""
        early = self._missing[:-1]
        features = self.context.model.fuse(self._waiting.take_early())
        self.context.read(features, early, range(-1, len(early) - 1))
        return self._missing[-1:]
