"""A reader in place of a head: it knows the target's text and is as right as it is told to be."""

import torch

from engine.cache import SlotCache
from engine.draft_vocab import DraftVocab
from engine.heads.attached import Attached
from tests.tables import table_bundle

VOCAB, PROMPT = 20, [1, 2]


class Oracle:
    """Its features are places in the text, -1 off it; it counts what it reads.

    Args:
        text: prompt and continuation.
        is_right: per place of the text whether the guess there is its token.
        confidence: of its first guess; the others share the rest.
    """

    root_row = 0

    def __init__(self, text, is_right, confidence):
        self.text, self.is_right, self.confidence = text, is_right, confidence
        self.attached = Attached(torch.nn.Identity(), None, None, DraftVocab(VOCAB), ())
        self.context, self.can_draft, self.cache = self, True, SlotCache("oracle", 1, 1)
        self.reads = []  # rows of every pass, round by round

    def catch_up(self, history):
        self.reads.append([1])
        return torch.tensor([[len(history)]])

    def read(self, features, tokens, parents):
        self.reads[-1].append(len(tokens))
        pairs = zip(features[:, 0].tolist(), tokens, strict=True)
        places = [self._after(place, token) for place, token in pairs]
        return torch.tensor(places)[:, None], list(range(len(places)))

    def logits(self, features):
        """[n, V] of the token at each place."""
        rest = (1 - self.confidence) / (VOCAB - 1)
        laws = torch.full((len(features), VOCAB), rest)
        for law, (place,) in zip(laws, features.tolist(), strict=True):
            token = self.text[place] if 0 <= place < len(self.text) else 0
            is_right = 0 <= place < len(self.text) and self.is_right(place)
            law[token if is_right else (token + 1) % VOCAB] = self.confidence
        return laws.log()

    def commit(self, path):
        return ()

    def _after(self, place, token):
        if not 0 <= place < len(self.text):
            return -1
        return place + 1 if self.text[place] == token else -1


def oracle_bundle(length, seed=3):
    """A target that is a table, and its greedy text, prompt included."""
    bundle = table_bundle(VOCAB, seed, context=2048)
    return bundle, [*PROMPT, *bundle.target.greedy(PROMPT, length)]
