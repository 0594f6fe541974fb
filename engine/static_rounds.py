"""The rounds of one run on the device: fill and send the tree, do the step, read what it told."""

from collections.abc import Sequence

import torch

from engine.bundle import Bundle
from engine.drafters.drafter import Proposal
from engine.lane import Lane
from engine.records import CacheStep
from engine.report import Report
from engine.sampling import Sampler
from engine.static_context import StaticContext
from engine.static_round import StaticRound
from engine.tree_buffers import SIZES, TreeBuffers


class StaticRounds:
    """Plays in ``lane``, which is this run's alone.

    Args:
        target: has read the prompt but for its last token into the lane's cache.
        prompt: its tokens.
        rng: the run's own; a uniform is drawn for each node, as the ordinary loop does.
    """

    def __init__(
        self,
        bundle: Bundle,
        lane: Lane,
        target: StaticContext,
        sampler: Sampler,
        prompt: Sequence[int],
        rng: torch.Generator,
    ) -> None:
        self.lane, self.target, self.sampler, self.rng = lane, target, sampler, rng
        ids = self._end_ids = tuple(sorted(bundle.eos_ids))
        self._ends = torch.tensor(ids, dtype=torch.long, device=bundle.device)
        self._known = len(prompt)  # tokens of the text that the lane was told of

    def play(self, proposal: Proposal, history: Sequence[int]) -> Report:
        """Verify, accept, commit and record ``proposal`` behind ``history``.  Waits once."""
        tree = self.lane.tree(len(proposal.tokens))
        fresh = history[self._known :] or history[-1:]
        self._known = len(history)
        tree.fill(proposal.tokens, proposal.parents, self.target.committed, fresh)
        uniforms = tree.draw(len(proposal.tokens), self.rng)
        tree.send()
        numbers = self._run(tree, self._step(tree, proposal.laws))
        return Report(self.lane.copy(numbers).read(), tree.size, proposal, uniforms)

    def settle(self, proposal: Proposal, path: Sequence[int]) -> CacheStep:
        """Note what the round has left in the slots: the nodes of ``path``."""
        return self.target.settle(len(proposal.tokens), path)

    def _step(self, tree: TreeBuffers, laws: torch.Tensor | None) -> StaticRound:
        draft_laws = None if laws is None else self.lane.laws(tree.size, laws)
        told = (self.sampler, self._ends, self.lane.seen, draft_laws)
        return StaticRound(self.target, tree, *told, self.sampler.config.record)

    def _run(self, tree: TreeBuffers, step: StaticRound) -> torch.Tensor:
        """What the step tells the host, in memory that the next step may write over."""
        if tree.size not in SIZES:
            return step()
        config = self.sampler.config
        processors = (
            config.temperature,
            config.top_k,
            config.top_p,
            config.repetition_penalty,
        )
        laws = None if step.draft_laws is None else step.draft_laws.dtype
        key = (tree.size, processors, config.record, laws, self._end_ids, self.target.taps)
        return self.lane.graphs.run(key, step)
