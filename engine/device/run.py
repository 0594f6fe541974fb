"""A run whose rounds the device plays by itself: one step and one read a round.

It says and records what the ordinary loop does, token by token.  Where the device lacks the
memory for it, it is the ordinary loop.
"""

import sys
from collections.abc import Callable

import torch

from engine.attention.tree_attention import attends_by_trees
from engine.attention.tree_mass import TreeMass
from engine.bundle import Bundle
from engine.clock import Clock
from engine.config import DecodeConfig
from engine.context import Context
from engine.cut_short import StoppedError, check_finite
from engine.device.context import StaticContext
from engine.device.drafters.build import device_drafter
from engine.device.lane import Lane, borrow
from engine.device.report import Report
from engine.device.round_cost import known_round_cost_of
from engine.device.rounds import StaticRounds
from engine.drafters.drafter import Drafter, Proposal
from engine.drafters.order import Order
from engine.no_room import NoRoomError
from engine.pass_cost import PassCost
from engine.planning.planner import Planner
from engine.positions import follows_positions
from engine.records import CacheStep, Emitted, Law, Nodes, Round, Seconds
from engine.run import Run
from engine.verify import Judgement
from kernels.reason import first_line

STEADINESS = 0.03  # of a planned tree's worth: one that changes with every round is never captured


def why_not_static(bundle: Bundle, config: DecodeConfig) -> str | None:
    """Why a run has to go through the ordinary loop, as a clause; ``None`` where it need not."""
    if not attends_by_trees(bundle.target):
        return "the target keeps its own attention"
    if follows_positions(bundle.target.config.get_text_config()):
        return "the target's rotary frequencies follow the positions, which the host reads"
    if config.rule == "block":
        return "block verification has no kernel"
    return None


class StaticRun(Run):
    """A run in a lane of its own.

    ``draft`` is what planning and the device's own drafting took.  The rest is one step of the
    device: ``verify``.  ``accept`` and ``commit`` are what the host then made of the numbers
    before the next round; it records behind the device's back, and what the device had to wait
    for that is in the next ``accept``.  What a step took to be captured is in none of them.
    """

    _lane: Lane | None = None
    _drafted = 0.0  # seconds of the host for the round that was launched
    _trouble: Exception | None = None  # why the next round could not be launched
    _behind = 0.0  # seconds of the host since the device began with the round that is on

    def _new_target(self, capacity: int) -> Context:
        """A context in a lane; an ordinary one where there is no memory for it."""
        try:
            lane = self._lane = borrow(self.bundle.lanes, self.bundle.target, capacity)
        except (NoRoomError, RuntimeError) as error:  # of CUDA: a want of memory, as a rule
            say_waiting(first_line(error))
            return super()._new_target(capacity)
        lane.begin(self.prompt)
        taps, keeps_prompt = self._method.taps(self.bundle), self._method.keeps_prompt
        target = StaticContext(
            self.bundle.target, lane.cache, lane.states, taps, keeps_prompt=keeps_prompt
        )
        told = (self._sampler, self.prompt, self._rng, self.bundle.eos_ids)
        self._rounds = StaticRounds(lane, target, *told)
        return target

    def _open(
        self,
        build: Callable[[Order], tuple[Planner, Drafter]],
        is_cancelled: Callable[[], bool],
    ) -> dict[str, int]:
        """As any run; then the method drafts on the device where it has steps for it."""
        try:
            slot_bytes = super()._open(build, is_cancelled)
        except StoppedError:  # the lane is whole, and its graphs took long to capture
            if self._lane is not None:
                self.bundle.lanes[:] = [self._lane]
            raise
        if self._lane is not None:
            if self.bundle.device.type == "cuda":
                # the prompt is no part of a round; other threads may capture meanwhile, which
                # forbids to wait for the whole card
                torch.cuda.current_stream(self.bundle.device).synchronize()
            drafter = device_drafter(self._drafter, self._lane, self.config)
            self._rounds.drafter = drafter
            self._planner.steadiness = STEADINESS if drafter else 0.0
            self._drafter = drafter or self._drafter
        return slot_bytes

    def _round(self) -> Round:
        """Read a round, launch the next, then make a record of the one that was read.

        The device is at the next round while the host records, and while whoever asks for rounds
        does something with this one.
        """
        if self._lane is None:
            return super()._round()
        if self._trouble is not None:
            trouble, self._trouble = self._trouble, None  # it holds on to all that was at hand
            raise trouble
        if self._rounds.flight is None:
            self._launch()  # the first
        self._rounds.wait()
        start, clock, report = len(self.history), Clock(), self._rounds.read()
        drafting, stepping = self._rounds.seconds
        drafted, waiting = self._drafted + drafting, self._behind - drafting - stepping
        judgement, emitted = self._judged(report)
        accepted = clock.lap() + max(0.0, waiting)
        caches = self._kept(report.proposal, judgement, emitted)
        committed = clock.lap()
        self._launch_ahead()
        nodes, laws, recorded = self._recorded(report, judgement)
        phases = (drafted, stepping, accepted + recorded, committed)
        seconds = Seconds(*(round(each, 6) for each in phases))
        return self._finished_round(start, nodes, emitted, laws, caches, seconds)

    def _judged(self, report: Report) -> tuple[Judgement, Emitted]:
        """What the device has decided, as far as the text goes on, and what that adds to it."""
        check_finite(report.top)
        judgement, proposal = report.judgement, report.proposal
        emitted = self._emission.take(proposal, judgement)
        return judgement.cut(len(emitted), proposal.parents), emitted

    def _kept(
        self, proposal: Proposal, judgement: Judgement, emitted: Emitted
    ) -> tuple[CacheStep, ...]:
        """Note what the device has kept; the next round may be planned then."""
        kept = judgement.path[: len(emitted)]
        caches = (self._rounds.settle(proposal, kept), *self._drafter.commit(kept))
        self.history += emitted.token
        self._planner.learn(proposal, judgement)
        return caches

    def _recorded(
        self, report: Report, judgement: Judgement
    ) -> tuple[Nodes, tuple[Law, ...], float]:
        """The record, and the seconds that the device stood still for it."""
        clock = Clock()
        nodes, laws = report.record(judgement, self._sampler.needs_history)
        took = clock.lap()
        self._behind = self._rounds.seconds_launching + took if self._is_ahead else 0.0
        return nodes, laws, 0.0 if self._is_ahead else took

    def _launch(self) -> None:
        """Draft, and queue a round."""
        clock = Clock()
        proposal = self._propose()
        proposed = clock.lap()
        self._rounds.launch(proposal, self.history)
        self._drafted = proposed + self._rounds.seconds_filling

    def _launch_ahead(self) -> None:
        """The next round, where there is one; what goes wrong is the next round's to say."""
        if self._emission.reason is not None:
            return
        try:
            self._launch()
        except Exception as error:  # a want of memory, a library's: this round is told first
            self._trouble = error

    def _known_cost(self) -> PassCost | None:
        """Of a round's step, which is this loop's pass."""
        if self._lane is None:
            return super()._known_cost()
        return known_round_cost_of(self.bundle.target)

    def _mass(self) -> TreeMass | None:
        """Where the attention of the newest round's step fell, as reported."""
        if self._lane is None or self._target.probe is None:
            return super()._mass()
        return self._rounds.report.mass(self._target.probe.layer)

    @property
    def _is_ahead(self) -> bool:
        """Whether the device is at another round while the host goes on."""
        return self._rounds.flight is not None and self.bundle.device.type == "cuda"

    def _finish(self) -> None:
        """As any run; the lane is the next one's."""
        super()._finish()
        if self._lane is None:
            return
        (lane, self._lane), rounds, self._trouble = (self._lane, None), self._rounds, None
        del self._rounds
        try:
            rounds.wait()  # for a round that nobody asks for: then its buffers are free
        except RuntimeError as error:  # the device has failed in it: the lane goes with it
            say_waiting(first_line(error))
            return
        if self.end is None or self.end.reason != "not_finite":  # else its slots may be NaN
            self.bundle.lanes[:] = [lane]  # one is kept: of runs side by side the last


def say_waiting(reason: str) -> None:
    """Why rounds go through the ordinary loop."""
    print(f"rounds wait for the host: {reason}", file=sys.stderr, flush=True)
