"""The rounds of one run on the device: fill and send the tree, do the step, read what it told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch

from engine.clock import Clock
from engine.device.context import StaticContext
from engine.device.drafters.blank import Blank
from engine.device.drafters.device_drafter import DeviceDrafter
from engine.device.graphs import NEVER, seconds_capturing
from engine.device.host_copy import HostCopy
from engine.device.lane import Lane
from engine.device.marks import Marks
from engine.device.report import Report
from engine.device.report_layout import ReportLayout
from engine.device.round import StaticRound
from engine.device.tree_buffers import SIZES, TreeBuffers
from engine.device.uniforms import Uniforms
from engine.drafters.drafter import Proposal
from engine.records import CacheStep
from engine.sampling import Sampler


@dataclass(frozen=True, slots=True, eq=False)
class Flight:
    """A round that the device is at: how to read what it will have told."""

    proposal: Proposal
    layout: ReportLayout
    uniforms: Uniforms
    copy: HostCopy
    drafter: DeviceDrafter | None  # that fills the proposal


class StaticRounds:
    """Plays in ``lane``, which is this run's alone.

    Args:
        target: has read the prompt but for its last token into the lane's cache.
        prompt: its tokens.
        rng: the run's own; a uniform is drawn for each node, as the ordinary loop does.
        end_ids: tokens that end a text.

    Attributes:
        drafter: what fills blank proposals; ``None`` where none comes.
        flight: the round that was launched and not read.
        seconds_filling: of the host in the newest launch, before the device had anything to do.
        seconds_launching: of the host in what came then, captures left out.
    """

    def __init__(
        self,
        lane: Lane,
        target: StaticContext,
        sampler: Sampler,
        prompt: Sequence[int],
        rng: torch.Generator,
        end_ids: Iterable[int],
    ) -> None:
        self.lane, self.target, self.sampler, self.rng = lane, target, sampler, rng
        ids, device = tuple(sorted(end_ids)), lane.seen.device
        self._end_ids = ids
        self._ends = torch.tensor(ids, dtype=torch.long, device=device)
        self._known = len(prompt)  # tokens of the text that the lane was told of
        self.drafter: DeviceDrafter | None = None
        self.report: Report | None = None  # of the newest round
        self.flight: Flight | None = None
        self.seconds_filling = self.seconds_launching = 0.0
        self._marks, self._captures = Marks(device), (0.0, 0.0)

    def play(self, proposal: Proposal, history: Sequence[int]) -> Report:
        """A round from beginning to end: ``launch``, then ``read``."""
        self.launch(proposal, history)
        return self.read()

    def launch(self, proposal: Proposal, history: Sequence[int]) -> None:
        """Queue all of a round: verify, accept, commit and record ``proposal`` behind ``history``.

        Waits for nothing; the report of the round before was read.
        """
        clock = Clock()
        tree = self.lane.tree(len(proposal.tokens))
        fresh = history[self._known :] or history[-1:]
        self._known = len(history)
        drafter = self.drafter if isinstance(proposal, Blank) else None
        last = 0 if self.report is None else self.report.last
        drawn = proposal.num_drafted if drafter is not None and drafter.is_drawn else 0
        tree.fill(proposal.tokens, proposal.parents, self.target.committed, fresh, last)
        uniforms = Uniforms(tree, self.rng, len(proposal.tokens), drawn)
        tree.send()
        self.seconds_filling, before = clock.lap(), seconds_capturing()
        self._marks.mark(0)
        clock.lap()
        laws = self._laws(proposal, tree) if drafter is None else drafter.fill(proposal, tree)
        self._marks.mark(1)
        between = seconds_capturing()
        step = self._step(tree, laws, drafter is not None)
        numbers = self._run(tree, step)
        self._marks.mark(2)
        copy = self.lane.copy(numbers)
        self._captures = between - before, seconds_capturing() - between
        self.seconds_launching = max(0.0, clock.lap() - sum(self._captures))
        if self.drafter is not None:
            self.drafter.follow(numbers, tree)
        if drafter is not None:
            proposal = replace(proposal, laws=laws)
        self.flight = Flight(proposal, step.layout, uniforms, copy, drafter)

    def wait(self) -> None:
        """For the round that was launched, if there is one."""
        if self.flight is not None:
            self.flight.copy.wait()

    def read(self) -> Report:
        """What the round that was launched has told, once it is over."""
        self.wait()
        flight, self.flight = self.flight, None
        told = flight.copy.read(), flight.layout, flight.proposal, flight.uniforms
        self.report = Report(*told)
        if flight.drafter is not None:
            flight.drafter.told(self.report)
        return self.report

    @property
    def seconds(self) -> tuple[float, float]:
        """Of the device in the round that was read last: drafting, and all that came then."""
        taken = (self._marks.seconds(0), self._marks.seconds(1))
        drafting, stepping = (
            max(0.0, each - capturing)
            for each, capturing in zip(taken, self._captures, strict=True)
        )
        return drafting, stepping

    def settle(self, proposal: Proposal, path: Sequence[int]) -> CacheStep:
        """Note what the round has left in the slots: the nodes of ``path``."""
        return self.target.settle(len(proposal.tokens), path)

    def _laws(self, proposal: Proposal, tree: TreeBuffers) -> torch.Tensor | None:
        """The laws that the host drew from, where a captured step finds them."""
        if proposal.laws is None:
            return None
        room = self.lane.room(tree.size, proposal.laws.dtype)
        room[: len(proposal.laws)].copy_(proposal.laws)
        return room

    def _step(self, tree: TreeBuffers, laws: torch.Tensor | None, is_drafted: bool) -> StaticRound:
        return StaticRound(
            target=self.target,
            tree=tree,
            sampler=self.sampler,
            ends=self._ends,
            seen=self.lane.seen,
            draft_laws=laws,
            is_recorded=self.sampler.config.record,
            is_drafted=is_drafted,
        )

    def _run(self, tree: TreeBuffers, step: StaticRound) -> torch.Tensor:
        """What the step tells the host, in memory that the next step may write over."""
        laws = None if step.draft_laws is None else step.draft_laws.dtype
        told = (step.is_recorded, step.is_drafted, laws, self._end_ids, self.target.taps)
        key = (tree.size, self.sampler.processors, *told)
        return self.lane.graphs.run(key, step, 0 if tree.size in SIZES else NEVER)
