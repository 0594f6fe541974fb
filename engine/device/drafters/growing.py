"""EAGLE-2's and EAGLE-3's dynamic trees on the device: their nodes too are chosen there.

The host knows how large a tree becomes, and how many rows are read for it at the most; it learns
what hangs where with the round's report.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from engine.device.drafters.blank import Blank
from engine.device.drafters.candidates import DeviceCandidates, Spread
from engine.device.drafters.child_writer import best_below
from engine.device.drafters.features import DeviceEagle
from engine.device.drafters.head_rows import HeadRows
from engine.device.drafters.plan import plan, unshaped
from engine.device.graphs import PATIENCE
from engine.device.report import Report
from engine.device.tree_buffers import TreeBuffers, padded_size
from engine.drafters.drafter import Proposal, root_only
from engine.drafters.eagle2 import Eagle2
from engine.sampling import Sampler
from kernels.ancestors import unpack_ancestors


@dataclass(frozen=True, slots=True, eq=False)
class GrowStep:
    """Grows a tree and writes it down.

    Attributes:
        head: whose drafted rows stand behind ``rows.last``, a beam after the other.
        behind: rows that the first pass reads, the root's and those before it among them.
        seen: [V] bool, tokens of the committed text.
    """

    head: HeadRows
    tree: TreeBuffers
    sampler: Sampler
    seen: torch.Tensor
    spread: Spread
    behind: int

    def __call__(self) -> torch.Tensor:
        """Write the tree and how many rows were read for it; returns the confidences."""
        rows, tree, spread = self.head.rows, self.tree, self.spread
        if self.sampler.needs_history:
            self.seen.index_fill_(0, tree.fresh, True)
        above, at = unpack_ancestors(rows.bits), rows.places[: self.behind]
        features = self.head.context.model.fuse(self.head.buffers.waiting[: self.behind])
        features = self.head.read(at, above[: self.behind], features)
        features, at = features.index_select(0, rows.last), rows.last
        grown, read = DeviceCandidates(spread, tree.tokens[:1]), torch.zeros_like(rows.last)
        grown.expand(*self._best(features, above.index_select(0, at)))
        for depth in range(1, spread.depth):
            grown.narrow()
            read += grown.beam.read
            at, above = self._lay(grown, depth, at, above)
            features = features.index_select(0, grown.beam.above)
            features = self.head.read(at, above.index_select(0, at), features)
            grown.expand(*self._best(features, above.index_select(0, at)))
        grown.write(tree)
        tree.read.copy_(read)
        return tree.confidence

    def _lay(
        self, grown: DeviceCandidates, depth: int, at: torch.Tensor, above: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows for the new beam, behind ``at``, the last one's; and what all rows see by now."""
        rows, beam = self.head.rows, grown.beam
        fresh = at[-1:] + 1 + rows.places[: len(beam.nodes)]
        rows.tokens.index_copy_(0, fresh, beam.tokens)
        rows.depths.index_copy_(0, fresh, (rows.last + depth).expand_as(fresh))
        sees = above.index_select(0, at.index_select(0, beam.above))
        sees = sees | (rows.places == fresh[:, None])
        return fresh, above.index_copy(0, fresh, sees)

    def _best(
        self, features: torch.Tensor, above: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """[n, k] most probable tokens behind rows that see ``above``, and how probable they are."""
        context, path = self.head.context, (self.head.rows.tokens, above, self.seen)
        told = (context.attached.vocab, self.sampler, context.logits(features))
        return best_below(*told, self.spread.fan, path)


class DeviceEagle2(DeviceEagle):
    """The head of one run, which draws up its trees."""

    drafter: Eagle2

    def propose(self, history: Sequence[int], max_depth: int) -> Proposal:
        """A blank of the size that the tree will have; what hangs where is not true yet."""
        has_feature = self._waiting.count > 0
        self._spread = plan(self.drafter.dynamic, max_depth) if has_feature else None
        self._is_drafted = self._spread is not None
        if not self._is_drafted:
            return root_only(history)
        self._missing = history[self.context.committed + 1 :]
        return unshaped(history, self._spread)

    def fill(self, proposal: Blank, tree: TreeBuffers) -> torch.Tensor | None:
        """Queue a pass over what waits, and one for each level; there are no laws."""
        sampler, behind, spread = self.drafter.children.sampler, self._behind(), self._spread
        rows = self.buffers.tree(len(behind) + sum(spread.beams[1:]))
        root = len(behind) - 1
        rows.fill(behind, range(-1, root), self.buffers.cache.length, behind[:1], root)
        rows.send()
        first = padded_size(len(behind))
        head = HeadRows(self.buffers, self.context, rows)
        step = GrowStep(head, tree, sampler, self.lane.seen, spread, first)
        key = (tree.size, rows.size, first, spread, sampler.processors)
        self.buffers.graphs.run(key, step, PATIENCE)
        self._waiting.clear()
        return None

    def told(self, report: Report) -> None:
        """So many nodes were read below the root."""
        self._read = report.read
