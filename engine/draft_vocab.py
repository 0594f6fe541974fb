"""The tokens that a drafter guesses, by the target's ids: its own logits, read three ways."""

from dataclasses import dataclass

from torch import Tensor, inf

LARGE = 1e4  # more than any logit that means something; fp16 has it too


@dataclass(frozen=True, slots=True, eq=False)
class DraftVocab:
    """Vd tokens of the target's V.

    What overflowed in logits counts as a finite number: any law will do to draft from, but a law.

    Attributes:
        target_size: V.
        ids: [Vd] the target's id of every logit; ``None`` where they are the same.
    """

    target_size: int
    ids: Tensor | None = None

    def __len__(self) -> int:
        """Vd."""
        return self.target_size if self.ids is None else len(self.ids)

    def top(self, logits: Tensor, count: int) -> tuple[list[list[int]], list[list[float]]]:
        """Per row of logits [n, Vd] the ``count`` most probable tokens and their probabilities."""
        ids, chances = self.best(logits, count)
        return ids.tolist(), chances.tolist()

    def best(self, logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The same where the logits are, [n, count] each; fewer where Vd is less."""
        laws = finite(logits.float()).softmax(-1)  # in half the time of a logsumexp
        chances, rows = laws.topk(min(count, laws.shape[-1]), -1)
        return rows if self.ids is None else self.ids[rows], chances

    def name(self, places: list[int]) -> list[int]:
        """The target's ids of so many places among the Vd."""
        return places if self.ids is None else self.ids[places].tolist()

    def narrow(self, scores: Tensor) -> Tensor:
        """Of scores [n, V] those of the tokens that are guessed, [n, Vd]."""
        return scores if self.ids is None else scores[:, self.ids]

    def spread(self, laws: Tensor) -> Tensor:
        """Laws [n, Vd] over the target's vocabulary [n, V]."""
        if self.ids is None:
            return laws
        return laws.new_zeros((len(laws), self.target_size)).index_copy_(1, self.ids, laws)

    def widen(self, logits: Tensor) -> Tensor:
        """Logits [n, V] over the target's vocabulary; tokens that are never guessed at -inf."""
        logits = finite(logits)
        if self.ids is None:
            return logits
        wide = logits.new_full((len(logits), self.target_size), -inf)
        wide[:, self.ids] = logits
        return wide


def finite(logits: Tensor) -> Tensor:
    """What overflowed as a number that stays one when it is divided by a temperature."""
    return logits.nan_to_num(posinf=LARGE, neginf=-LARGE)
