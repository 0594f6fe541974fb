"""Which tokens a drafter hangs below a node: the most probable ones, or ones it draws.

The most probable are judged as point masses, at any temperature.  Drawn ones are drawn one
after another without replacement from the law that the same processors make of the drafter's
logits, and are judged by it (Chen et al., 2024, "Sequoia", arXiv 2402.12374; for features Li et
al., 2024, arXiv 2401.15077, appendix A.2).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.draft_vocab import DraftVocab, finite
from engine.sampling import Sampler, Text, draw_distinct


class Children:
    """Chooses for one run.

    Args:
        rng: the run's own; ``None`` never draws.
    """

    def __init__(
        self, vocab: DraftVocab, sampler: Sampler, rng: torch.Generator | None = None
    ) -> None:
        self.vocab, self.sampler = vocab, sampler
        self.rng = None if sampler.config.is_greedy else rng

    @property
    def is_drawn(self) -> bool:
        """Whether tokens are drawn."""
        return self.rng is not None

    def best(
        self, logits: Tensor, texts: Sequence[Text], count: int
    ) -> tuple[list[list[int]], list[list[float]]]:
        """The ``count`` most probable tokens below each node, best first, and how probable.

        Args:
            logits: [n, Vd], or [1, Vd] where it guesses the same below all.
            texts: [n] what stands before each child; read for the penalty only.
        """
        count = min(count, logits.shape[-1])
        if self.sampler.needs_history:  # by the target's ids
            scores = self.sampler.scores(self.vocab.widen(logits), texts[: len(logits)])
            top = scores.softmax(-1).topk(count)
            tokens, chances = top.indices.tolist(), top.values.tolist()
        else:
            tokens, chances = self.vocab.top(logits, count)
        times = len(texts) if len(tokens) < len(texts) else 1
        return tokens * times, chances * times

    def drawn(
        self, logits: Tensor, texts: Sequence[Text], counts: Sequence[int]
    ) -> tuple[list[list[int]], list[list[float]], Tensor]:
        """Up to ``counts`` [n] tokens below each node in the order drawn, and the laws [n, Vd].

        They are drawn among the Vd tokens that are guessed: a law over all V would cost more than
        a level of a head.
        """
        laws = self.sampler.laws_of(self._scores(logits, texts))
        tokens, chances = [], []
        for law, count in zip(laws, counts, strict=True):
            uniforms = torch.rand(count, generator=self.rng, dtype=torch.float64).tolist()
            places = draw_distinct(law, uniforms)
            tokens.append(self.vocab.name(places))
            chances.append(law[places].tolist())
        return tokens, chances, laws

    def _scores(self, logits: Tensor, texts: Sequence[Text]) -> Tensor:
        """[n, Vd] after the penalty, which goes by the target's ids."""
        if self.sampler.needs_history:
            return self.vocab.narrow(self.sampler.scores(self.vocab.widen(logits), texts))
        return self.sampler.scores(finite(logits), texts)
