"""The laws behind texts that go on from a round's root, asked of the models as they are met."""

from collections.abc import Sequence

import torch

from engine.bundle import Bundle
from engine.config import DecodeConfig
from engine.context import Context
from engine.sampling import Sampler

ROWS = 64  # texts read in one pass
KEPT = 256  # laws kept of each model: 50 MB at a vocabulary of 50,000


class Continuation:
    """p and q behind a few tokens more than the round had; caches of its own.

    Args:
        history: tokens committed before the round; the last is the root.
        has_model: whether the bundle's draft model draws the chain.
    """

    def __init__(
        self, bundle: Bundle, config: DecodeConfig, history: Sequence[int], has_model: bool
    ) -> None:
        history, sampler = list(history), Sampler(config)
        models = [bundle.target, bundle.draft] if has_model else [bundle.target]
        self._readers = [_Reader(model, history, sampler) for model in models]

    def target(self, text: Sequence[int]) -> torch.Tensor:
        """[V] p of the token behind ``text``, which follows the root; at most one token of it."""
        return self._readers[0].law(tuple(text))

    def draft(self, text: Sequence[int]) -> torch.Tensor:
        """[V] q behind ``text``, as above."""
        return self._readers[1].law(tuple(text))

    def prepare(self, texts: Sequence[Sequence[int]]) -> None:
        """Read many texts in few passes."""
        wanted = list(dict.fromkeys(map(tuple, texts)))
        for reader in self._readers:
            reader.read(wanted)


class _Reader:
    """One model with the history in its cache."""

    def __init__(self, model: torch.nn.Module, history: Sequence[int], sampler: Sampler) -> None:
        self.history, self.sampler = history, sampler
        self.context = Context(model, len(history) + ROWS, "proof")
        with torch.inference_mode():
            self.context.prefill(history[:-1])
        self.laws: dict[tuple[int, ...], torch.Tensor] = {}
        self.read([()])

    def law(self, text: tuple[int, ...]) -> torch.Tensor:
        """[V]; a text that is met the first time costs a pass."""
        if text not in self.laws:
            self.read([text])
        return self.laws[text]

    @torch.inference_mode()
    def read(self, texts: Sequence[tuple[int, ...]]) -> None:
        """Read those of ``texts`` that are new; the oldest laws make room for them."""
        new = [text for text in texts if text not in self.laws]
        for start in range(0, len(new), ROWS - 1):
            part = new[start : start + ROWS - 1]
            tokens = [self.history[-1], *(text[0] for text in part if text)]
            logits = self.context.extend(tokens, [-1, *(0,) * (len(tokens) - 1)])
            self.context.commit(())
            histories = [self.history, *([*self.history, *text] for text in part if text)]
            rows = zip([(), *filter(None, part)], self.sampler.laws(logits, histories), strict=True)
            self.laws |= {text: law.clone() for text, law in rows if text in part}
            self._make_room(part)

    def _make_room(self, newest: Sequence[tuple[int, ...]]) -> None:
        """Forget the oldest laws but for the root's."""
        spare = [text for text in self.laws if text and text not in set(newest)]
        for text in spare[: max(0, len(self.laws) - KEPT)]:
            del self.laws[text]
