"""One real round of a method, with every law it met: what is then verified over and over."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from engine.bundle import Bundle
from engine.config import DecodeConfig
from engine.decoding import Run
from engine.drafters.drafter import Proposal
from engine.records import Round
from engine.sampling import Sampler
from engine.tree import children
from engine.verify import Judgement

LOOKED_AT = 64  # rounds of a run at the most
CHOSEN_FROM = 12  # rounds that show something; of these the one that shows most
SHOWS = 0.01  # of worth: what is less is lost among the draws


@dataclass(frozen=True, slots=True, eq=False)
class MetRound:
    """A round of a run, as it was before the verdict.

    Attributes:
        index: of the round in its run.
        leaf: where the kept path ended, if at a leaf below the root; 0 otherwise.
        start: tokens committed before it, prompt included.
        draft_laws: [N, V] q behind every node that has children, or ``None`` for point masses.
        target_laws: [N, V] p behind every node, as judged.
        bare_laws: [N, V] the target's softmax, without temperature and filters.
        history: tokens committed before it; the last is the root.
    """

    index: int
    start: int
    leaf: int
    tokens: tuple[int, ...]
    parents: tuple[int, ...]
    confidence: tuple[float | None, ...]
    draft_laws: torch.Tensor | None
    target_laws: torch.Tensor
    bare_laws: torch.Tensor
    history: tuple[int, ...] = ()

    @property
    def siblings(self) -> tuple[int, ...]:
        """Nodes right below the root, in the order they are tested."""
        return tuple(children(self.parents)[0])

    def spread(self, node: int) -> float:
        """The chance that two draws from the law behind ``node`` differ: 0 without a choice."""
        return 1.0 - float(self.target_laws[node].double().square().sum())


def meet_round(
    bundle: Bundle,
    prompt: str | Sequence[int],
    config: DecodeConfig,
    worth: Callable[[MetRound], float] = lambda met: met.spread(0),
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Round | MetRound]:
    """Decode until enough rounds drafted something: every round, and at last the chosen one.

    Args:
        config: above temperature 0, where there is something to prove.
        worth: how much a proof of the round would show.  It must not depend on what was drawn
            in the round but for its leaf: the draft is drawn anew, and the law of the bonus is
            given the leaf.
        is_cancelled: asked while the prompt is read.

    Raises:
        StoppedError: ``is_cancelled`` said so.
        ValueError: no round drafted anything; the message is written for the user.
    """
    config = replace(config, max_new_tokens=LOOKED_AT)
    run = _Watched(bundle, prompt, config, is_cancelled=is_cancelled)
    best, most, count = None, 0.0, 0
    try:
        for this in run:
            yield this
            if not this.nodes.num_drafted and config.method != "plain":
                continue
            value = worth(run.met)  # once: it may cost as much as the round
            if best is None or value > most:
                best, most = run.met, value
            count += value > SHOWS
            if count == CHOSEN_FROM:
                break
    finally:
        run.close()
    if best is None:
        raise ValueError(
            f"This method drafted nothing in {this.index + 1} rounds of this prompt: choose"
            " another prompt, one that repeats itself for instance."
        )
    yield best


class _Watched(Run):
    """A run that keeps the laws of its newest round."""

    met: MetRound

    def _record(
        self,
        proposal: Proposal,
        judgement: Judgement,
        uniforms: Sequence[float],
        target_laws: torch.Tensor,
        logits: torch.Tensor,
    ) -> object:
        bare = Sampler(DecodeConfig(temperature=1.0))
        last = judgement.path[-1]
        self.met = MetRound(
            self._index,
            len(self.history),
            0 if last in proposal.parents else last,
            proposal.tokens,
            proposal.parents,
            proposal.confidence,
            proposal.laws,
            target_laws,
            bare.laws(logits, ()),
            tuple(self.history),
        )
        return super()._record(proposal, judgement, uniforms, target_laws, logits)
