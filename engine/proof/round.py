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

LOOKED_AT = 64  # rounds of a run at the most
CHOSEN_FROM = 6  # rounds that drafted; of these the one whose laws are spread the most


@dataclass(frozen=True, slots=True, eq=False)
class MetRound:
    """A round of a run, as it was before the verdict.

    Attributes:
        index: of the round in its run.
        start: tokens committed before it, prompt included.
        draft_laws: [N, V] q behind every node that has children, or ``None`` for point masses.
        target_laws: [N, V] p behind every node, as judged.
        bare_laws: [N, V] the target's softmax, without temperature and filters.
    """

    index: int
    start: int
    tokens: tuple[int, ...]
    parents: tuple[int, ...]
    confidence: tuple[float | None, ...]
    draft_laws: torch.Tensor | None
    target_laws: torch.Tensor
    bare_laws: torch.Tensor

    @property
    def siblings(self) -> tuple[int, ...]:
        """Nodes right below the root, in the order they are tested."""
        return tuple(children(self.parents)[0])

    @property
    def spread(self) -> float:
        """The chance that two draws from the root's law differ: 0 where there is no choice."""
        return 1.0 - float(self.target_laws[0].double().square().sum())


def meet_round(
    bundle: Bundle,
    prompt: str | Sequence[int],
    config: DecodeConfig,
    suits: Callable[[MetRound], bool] = lambda _: True,
) -> Iterator[Round | MetRound]:
    """Decode until enough rounds drafted something: every round, and at last the chosen one.

    Args:
        config: above temperature 0, where there is something to prove.
        suits: rounds that the proof can make more of than of others.

    Raises:
        ValueError: no round drafted anything; the message is written for the user.
    """
    run = _Watched(bundle, prompt, replace(config, max_new_tokens=LOOKED_AT))
    found: list[MetRound] = []
    try:
        for this in run:
            yield this
            if this.nodes.num_drafted or config.method == "plain":
                found.append(run.met)
            if len(found) == CHOSEN_FROM:
                break
    finally:
        run.close()
    if not found:
        raise ValueError(
            f"This method drafted nothing in {this.index + 1} rounds of this prompt: choose"
            " another prompt, one that repeats itself for instance."
        )
    yield max(found, key=lambda met: (suits(met), met.spread))


class _Watched(Run):
    """A run that keeps the laws of its newest round."""

    met: MetRound

    def _record(
        self,
        proposal: Proposal,
        judgement: object,
        uniforms: Sequence[float],
        target_laws: torch.Tensor,
        logits: torch.Tensor,
    ) -> object:
        bare = Sampler(DecodeConfig(temperature=1.0))
        self.met = MetRound(
            self._index,
            len(self.history),
            proposal.tokens,
            proposal.parents,
            proposal.confidence,
            proposal.laws,
            target_laws,
            bare.laws(logits, ()),
        )
        return super()._record(proposal, judgement, uniforms, target_laws, logits)
