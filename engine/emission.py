"""What a judged round adds to the text, and whether the text ends there."""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from engine.bundle import Bundle
from engine.config import DecodeConfig
from engine.detokenizer import Detokenizer, special_ids
from engine.drafters.drafter import Proposal
from engine.records import Emitted, Origin
from engine.run_facts import Reason
from engine.verify import Judgement


class Emission:
    """The growing text of one run: the one place where runs end.

    Attributes:
        limit: exact number of tokens after which the run ends.
        reason: why it ended; ``None`` while it goes on.
    """

    def __init__(self, bundle: Bundle, config: DecodeConfig, room: int) -> None:
        self.limit = min(config.max_new_tokens, room)
        self.reason: Reason | None = None
        self.made = 0
        self._full: Reason = "length" if config.max_new_tokens <= room else "context"
        self._ends, self._stop = bundle.eos_ids, config.stop
        self._text = Detokenizer(bundle.tokenizer)
        self._stop_tokens = _spelt(bundle.tokenizer, config.stop)
        self._tail = ""  # enough of the text for a stop string to be found in

    @property
    def max_depth(self) -> int:
        """Drafted tokens that may be accepted with one more drawn and the limit kept."""
        return self.limit - self.made - 1

    def take(self, proposal: Proposal, judgement: Judgement) -> Emitted:
        """The round's tokens up to the one that ends the text, with their text."""
        tokens, origins = _emitted(proposal, judgement)
        texts: list[str] = []
        for token in tokens:
            texts.append(self._text.push(token))
            self.made += 1
            self.reason = self._ended(token, texts[-1])
            if self.reason is not None:
                texts[-1] += self._text.rest()
                break
        kept = len(texts)
        return Emitted(tuple(tokens[:kept]), tuple(origins[:kept]), tuple(texts))

    def _ended(self, token: int, text: str) -> Reason | None:
        """Why the text ends with ``token``, if it does."""
        if token in self._ends:
            return "eos"
        if token in self._stop_tokens:
            return "stop"
        longest = max(map(len, self._stop), default=0)
        self._tail = (self._tail + text)[-(longest + len(text)) :]
        if any(stop in self._tail for stop in self._stop):
            return "stop"
        return self._full if self.made >= self.limit else None


def _spelt(tokenizer: PreTrainedTokenizerBase, stop: Sequence[str]) -> frozenset[int]:
    """Special tokens, which leave no text behind, whose own spelling holds a stop string."""
    tokens = special_ids(tokenizer) if stop else ()
    spellings = {token: tokenizer.decode([token]) for token in tokens}
    return frozenset(t for t, text in spellings.items() if any(each in text for each in stop))


def _emitted(proposal: Proposal, judgement: Judgement) -> tuple[list[int], list[Origin]]:
    """Accepted tokens and the extra one, each with its origin."""
    tokens = [proposal.tokens[node] for node in judgement.path[1:]]
    origins: list[Origin] = ["accepted"] * len(tokens)
    if judgement.extra is None:
        return tokens, origins
    last = judgement.path[-1]
    if proposal.num_drafted == 0:
        origin: Origin = "sampled"
    elif any(proposal.parents[node] == last for node in judgement.rejected):
        origin = "recovered"
    else:
        origin = "bonus"
    return [*tokens, judgement.extra], [*origins, origin]
