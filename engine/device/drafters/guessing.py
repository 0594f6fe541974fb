"""Medusa's and Hydra's heads on the device: from the state behind the path to a whole tree."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from engine.device.drafters.blank import Blank, blank
from engine.device.drafters.candidates import Spread
from engine.device.drafters.child_writer import ChildWriter
from engine.device.drafters.guess_growing import GuessGrowStep
from engine.device.drafters.levels import Level, levels_of
from engine.device.drafters.plan import plan, unshaped
from engine.device.graphs import PATIENCE
from engine.device.lane import Lane
from engine.device.report import Report
from engine.device.tree_buffers import TreeBuffers
from engine.drafters.drafter import Proposal, root_only
from engine.drafters.hydra import Hydra
from engine.drafters.medusa import Medusa
from engine.heads.attached import Attached
from engine.heads.medusa import MedusaHeads
from engine.records import CacheStep
from engine.tree import Shape


@dataclass(frozen=True, slots=True, eq=False)
class GuessStep:
    """Fills a tree of one shape.

    Attributes:
        states: [rows, H] of which one is read.
        at: [1] that one.
        levels: of the shape.
    """

    attached: Attached
    states: torch.Tensor
    at: torch.Tensor
    levels: tuple[Level, ...]
    writer: ChildWriter

    def __call__(self) -> torch.Tensor:
        """Write tokens, confidences and laws; returns the confidences."""
        self.writer.begin()
        tree = self.writer.tree
        state = self.states.index_select(0, self.at)
        is_medusa = isinstance(self.attached.head, MedusaHeads)
        logits = self._medusa(state) if is_medusa else self._hydra(state)
        for head, level in enumerate(self.levels):
            self.writer(level, logits(head, level))
        self.writer.end()
        return tree.confidence

    def _medusa(self, state: torch.Tensor) -> Callable[[int, Level], torch.Tensor]:
        """All heads at once: [1, Vd] below all nodes of a level."""
        heads = self.attached.head
        logits = heads.logits(heads(state)[0, : len(self.levels)], self.attached.lm_head)
        return lambda head, level: logits[head : head + 1]

    def _hydra(self, state: torch.Tensor) -> Callable[[int, Level], torch.Tensor]:
        """Level by level, from the words down to each node."""
        attached, heads, rows = self.attached, self.attached.head, state

        def logits(head: int, level: Level) -> torch.Tensor:
            nonlocal rows
            if heads.grounded:
                words = attached.embed(self.writer.tree.tokens.index_select(0, level.parents))
                rows = torch.cat([rows.index_select(0, level.above), words], -1)
            return heads.logits(head, heads.guess(head, rows), attached.lm_head)

        return logits


class Guesser:
    """The heads of one run.

    Args:
        drafter: what the run would draft with on the host; it has read the prompt.
        lane: the run's own, with the tapped states of every round.
    """

    def __init__(self, drafter: Medusa | Hydra, lane: Lane) -> None:
        self._spread: Spread | None = None  # of this round's dynamic tree
        self._dynamic = drafter.dynamic if isinstance(drafter, Hydra) else None
        self.drafter, self.lane, self.max_depth = drafter, lane, drafter.max_depth
        self.is_drawn = drafter.children.is_drawn
        self._states = lane.states[drafter.attached.taps[0]]
        self._can_draft = drafter.state is not None
        if self._can_draft:
            self._states[:1].copy_(drafter.state)

    def propose(self, history: Sequence[int], max_depth: int) -> Proposal:
        """A blank of the planned size; the root alone where the text has but one token."""
        max_depth = min(max_depth, self.max_depth)
        if not self._can_draft:
            return root_only(history)
        if self._dynamic is None:
            return blank(history, self.drafter.planner.shape(max_depth))
        self._spread = plan(self._dynamic, max_depth)
        return root_only(history) if self._spread is None else unshaped(history, self._spread)

    def fill(self, proposal: Blank, tree: TreeBuffers) -> torch.Tensor | None:
        """Queue the heads' step."""
        if self._spread is not None:
            return self._grow(tree)
        attached, sampler = self.drafter.attached, self.drafter.children.sampler
        laws = self.lane.room(tree.size, self.lane.law_dtype) if self.is_drawn else None
        writer = ChildWriter(tree, sampler, self.lane.seen, laws, attached.vocab)
        shape = Shape(proposal.parents, proposal.ranks)
        states, at = self._read_from(tree)
        step = GuessStep(attached, states, at, levels_of(shape, states.device), writer)
        key = (id(attached), tree.size, shape, sampler.processors, self.is_drawn)
        self.lane.graphs.run(key, step, PATIENCE)
        return laws

    def follow(self, numbers: torch.Tensor, tree: TreeBuffers) -> None:
        """Heads keep nothing of their own."""

    def told(self, report: Report) -> None:
        """Heads keep nothing of their own."""

    def commit(self, path: Sequence[int]) -> tuple[CacheStep, ...]:
        """There is a state to guess from."""
        self._can_draft = True
        return ()

    def _grow(self, tree: TreeBuffers) -> None:
        """Queue the step that draws up a dynamic tree; there are no laws."""
        attached, sampler = self.drafter.attached, self.drafter.children.sampler
        told = (tree, sampler, self.lane.seen, self._spread)
        step = GuessGrowStep(attached, *self._read_from(tree), *told)
        key = (id(attached), tree.size, self._spread, sampler.processors)
        self.lane.graphs.run(key, step, PATIENCE)

    def _read_from(self, tree: TreeBuffers) -> tuple[torch.Tensor, torch.Tensor]:
        """The target's newest states, and the path's end among them."""
        return self._states, tree.last
