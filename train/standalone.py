"""A model of its own, asked as heads are: it reads the drafted text itself and no states."""

from collections.abc import Iterator

from torch import Tensor, nn

from train.family import Guess
from train.state_feed import StateBatch


class Standalone:
    """The draft model; a guess is the same however many tokens before it were drafted."""

    columns, max_ahead = (), 6

    def guesses(
        self, head: nn.Module, batch: StateBatch, words: Tensor, num: int
    ) -> Iterator[Guess]:
        """What the model makes of the text up to the token before the one asked for.

        Args:
            words: not needed, it has its own.
        """
        states = head.model(batch.ids, use_cache=False).last_hidden_state
        for ahead in range(num):
            asked = batch.asked(ahead)
            line, at = asked.nonzero(as_tuple=True)
            yield Guess(ahead, states[line, at + 1 + ahead], asked)

    def draft_ids(self, head: nn.Module) -> Tensor | None:
        """All tokens."""
        return None
