"""A run under way: draft, verify, accept, commit, round by round.

One loop serves every method, plain decoding included (a tree with only a root).  It knows
nothing of figures and draws random numbers from the settings' generator alone.
"""

from collections.abc import Callable, Sequence

import torch

from engine.attention.probing import probe_of
from engine.attention.tree_mass import TreeMass
from engine.bundle import Bundle
from engine.clock import Clock
from engine.config import MAX_NODES, DecodeConfig
from engine.context import Context
from engine.cost import known_cost_of
from engine.cut_short import CutShortError, check_finite
from engine.detokenizer import Pieces
from engine.drafters.build import build_drafter, method_of
from engine.drafters.costs import learn_costs
from engine.drafters.drafter import Drafter, Proposal
from engine.drafters.order import Order
from engine.emission import Emission
from engine.header import make_header
from engine.no_room import passes_fit
from engine.pass_cost import PassCost
from engine.planning.planner import Planner
from engine.prompt import read_prompt
from engine.recorder import pieces_of, record_laws, record_nodes
from engine.records import CacheStep, Emitted, Law, Nodes, Round, Seconds
from engine.rule import is_apart, judge_by, may_be_block
from engine.run_facts import End
from engine.sampling import Sampler
from engine.turns import Turns
from engine.verify import Judgement


class Run(Turns):
    """A run under way: an iterator of ``Round`` with a ``header`` now and an ``end`` later.

    A round raises ``CutShortError`` where memory gave out, or the target's numbers; the run then
    ends with the round before.
    """

    def __init__(
        self,
        bundle: Bundle,
        prompt: str | Sequence[int],
        config: DecodeConfig,
        build: Callable[[Order], tuple[Planner, Drafter]] = build_drafter,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__()
        self.bundle, self.config = bundle, config
        self._method = method_of(bundle, config.method)  # refused before anything is measured
        self.prompt = read_prompt(bundle, prompt, config)
        self.history = list(self.prompt)  # committed tokens; the last is the root
        self._emission = Emission(bundle, config, bundle.context_length - len(self.prompt))
        self._rng = torch.Generator().manual_seed(config.seed)
        self._sampler, self._pieces = Sampler(config), Pieces(bundle.tokenizer)
        self._index, self._seconds = 0, 0.0
        with torch.inference_mode(), passes_fit("while the prompt was read"):
            learn_costs(bundle, config)
            clock = Clock()
            slot_bytes = self._open(build, is_cancelled)
        self.header = make_header(
            bundle,
            config,
            prompt,
            self.prompt,
            slot_bytes=slot_bytes,
            prefill_seconds=clock.lap(),
            cost=self._known_cost(),
            remembered=getattr(self._drafter, "remembered", 0),
        )

    def _next(self) -> Round:
        """The next round; torch's mode is set per step, for steps may run in any thread."""
        if self.end is None and self._emission.reason is None:
            try:
                with torch.inference_mode(), passes_fit(f"in round {self._index + 1}"):
                    return self._round()
            except CutShortError as error:
                self._emission.reason = error.reason
                self._finish()
                raise
            except BaseException:  # a key in a notebook, say: the caches hold half a round
                self._finish()
                raise
        self._finish()
        raise StopIteration

    @property
    def generated(self) -> tuple[int, ...]:
        """Tokens made so far, the prompt left out."""
        return tuple(self.history[len(self.prompt) :])

    def _open(
        self,
        build: Callable[[Order], tuple[Planner, Drafter]],
        is_cancelled: Callable[[], bool],
    ) -> dict[str, int]:
        """Read the prompt but for its last token; returns the bytes of a slot by cache."""
        bundle, prompt = self.bundle, self.prompt
        capacity = len(prompt) + self._emission.limit + MAX_NODES + 1
        self._target = self._new_target(capacity)
        self._target.probe = probe_of(bundle.target) if self.config.record else None
        self._target.prefill(prompt[:-1], is_cancelled)
        order = Order(
            bundle=bundle,
            config=self.config,
            sampler=self._sampler,
            rng=self._rng,
            prompt=prompt,
            capacity=capacity,
            target=self._target,
            is_cancelled=is_cancelled,
        )
        self._planner, self._drafter = build(order)
        contexts = (self._target, getattr(self._drafter, "context", None))
        return {c.cache.name: c.cache.slot_bytes for c in contexts if c is not None}

    def _new_target(self, capacity: int) -> Context:
        """What the target is read through; it has read nothing yet."""
        taps, keeps_prompt = self._method.taps(self.bundle), self._method.keeps_prompt
        return Context(self.bundle.target, capacity, "target", taps, keeps_prompt=keeps_prompt)

    def _round(self) -> Round:
        """Draft, verify, accept, commit."""
        config, start, clock = self.config, len(self.history), Clock()
        proposal = self._propose()
        drafted = clock.lap()

        logits = self._target.extend(proposal.tokens, proposal.parents)
        if logits.is_cuda:  # what follows waits for the pass: its time is not that of accepting
            torch.cuda.current_stream(logits.device).synchronize()
        verified = clock.lap()

        uniforms = self._uniforms(len(proposal.tokens))
        tree = (proposal.tokens, proposal.parents, range(len(proposal.tokens)))
        target_laws = self._sampler.laws(logits, self._sampler.texts(self.history, *tree))
        judgement = judge_by(config.rule, proposal, target_laws, uniforms, self.bundle.eos_ids)
        tops = torch.stack([logits[node].amax() for node in judgement.path])  # views: no copy
        check_finite(float(tops.amax()))  # NaN is larger than any
        emitted = self._emission.take(proposal, judgement)
        judgement = judgement.cut(len(emitted), proposal.parents)
        nodes, laws = self._record(proposal, judgement, uniforms, target_laws, logits)
        accepted = clock.lap()

        caches = self._commit(judgement.path[: len(emitted)])
        self.history += emitted.token
        self._planner.learn(proposal, judgement)
        seconds = Seconds(drafted, verified, accepted, clock.lap())
        apart = may_be_block(config.rule, proposal) and is_apart(proposal)
        return self._finished_round(start, nodes, emitted, laws, caches, seconds, apart)

    def _finished_round(
        self,
        start: int,
        nodes: Nodes,
        emitted: Emitted,
        laws: tuple[Law, ...],
        caches: tuple[CacheStep, ...],
        seconds: Seconds,
        apart: bool = False,
    ) -> Round:
        """The record of a round that is over; the next one is counted on from it."""
        pieces = pieces_of(self._pieces, nodes, laws, emitted.token) if self.config.record else {}
        this = Round(
            index=self._index,
            start=start,
            nodes=nodes,
            emitted=emitted,
            laws=laws,
            caches=caches,
            seconds=seconds,
            pieces=pieces,
            mass=self._mass(),
            apart=apart,
        )
        self._index, self._seconds = self._index + 1, self._seconds + seconds.total
        return this

    def _known_cost(self) -> PassCost | None:
        """Of the target's pass, if it was calibrated."""
        return known_cost_of(self.bundle.target)

    def _mass(self) -> TreeMass | None:
        """Where the attention of the newest pass fell."""
        return self._target.probe and self._target.probe.read()

    def _propose(self) -> Proposal:
        """A tree no deeper than what may still be accepted."""
        depth = self.config.num_draft or self._drafter.max_depth
        if isinstance(self.config.tree, tuple):
            deepest = max(map(len, self.config.tree), default=0)
            depth = min(deepest, self.config.num_draft or deepest)
        return self._drafter.propose(self.history, min(depth, self._emission.max_depth))

    def _uniforms(self, count: int) -> list[float]:
        """[N] one uniform a node: to test it with; the root's draws the last token."""
        return torch.rand(count, generator=self._rng, dtype=torch.float64).tolist()

    def _record(
        self,
        proposal: Proposal,
        judgement: Judgement,
        uniforms: Sequence[float],
        target_laws: torch.Tensor,
        logits: torch.Tensor,
    ) -> tuple[Nodes, tuple[Law, ...]]:
        """The round's tree and the laws on its judged path; the bare tree with recording off."""
        if not self.config.record:
            return record_nodes(proposal, judgement, uniforms, None), ()
        nodes = record_nodes(proposal, judgement, uniforms, target_laws)
        return nodes, record_laws(
            proposal, judgement, target_laws, logits, self._sampler.needs_history
        )

    def _commit(self, path: Sequence[int]) -> tuple[CacheStep, ...]:
        """Keep the path in every cache; the text's last token is never cached."""
        return (self._target.commit(path), *self._drafter.commit(path))

    def _finish(self) -> None:
        """Write the end once, remember the text, let the caches go."""
        if self.end is not None:
            return
        reason = self._emission.reason or "cancelled"
        self.end = End(reason, self._index, len(self.generated), round(self._seconds, 6))
        self.bundle.memory.remember(self.history)
        del self._target, self._drafter
