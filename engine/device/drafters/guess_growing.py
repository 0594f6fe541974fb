"""Hydra's dynamic trees on the device: from the state behind the path to the best nodes."""

from dataclasses import dataclass

import torch

from engine.device.drafters.candidates import DeviceCandidates, Spread
from engine.device.drafters.child_writer import best_below
from engine.device.tree_buffers import TreeBuffers
from engine.heads.attached import Attached
from engine.sampling import Sampler


@dataclass(frozen=True, slots=True, eq=False)
class GuessGrowStep:
    """Grows a tree and writes it down.

    Attributes:
        states: [rows, H] of which one is read.
        at: [1] that one.
        seen: [V] bool, tokens of the committed text.
    """

    attached: Attached
    states: torch.Tensor
    at: torch.Tensor
    tree: TreeBuffers
    sampler: Sampler
    seen: torch.Tensor
    spread: Spread

    def __call__(self) -> torch.Tensor:
        """Write the tree; returns the confidences."""
        tree, heads = self.tree, self.attached.head
        if self.sampler.needs_history:
            self.seen.index_fill_(0, tree.fresh, True)
        grown = DeviceCandidates(self.spread, tree.tokens[:1])
        rows = self.states.index_select(0, self.at)
        words = tree.tokens[None, :0]  # [n, depth] on the path down to each node
        for head in range(self.spread.depth):
            if head:
                grown.narrow()
            beam = grown.beam
            words = torch.cat([words.index_select(0, beam.above), beam.tokens[:, None]], -1)
            if heads.grounded:
                embedded = self.attached.embed(beam.tokens)
                rows = torch.cat([rows.index_select(0, beam.above), embedded], -1)
            logits = heads.logits(head, heads.guess(head, rows), self.attached.lm_head)
            best = self._best(logits, words[: len(logits)])
            grown.expand(*(part.expand(len(beam.nodes), -1) for part in best))
        grown.write(tree)
        return tree.confidence

    def _best(self, logits: torch.Tensor, words: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """[n, k] most probable tokens below nodes, and how probable they are."""
        path = words, torch.ones_like(words, dtype=torch.bool), self.seen
        return best_below(self.attached.vocab, self.sampler, logits, self.spread.fan, path)
