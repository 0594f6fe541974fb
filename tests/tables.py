"""Models that are tables: exact laws, no arithmetic, and no mistake of mask or slot unnoticed."""

from types import SimpleNamespace

import torch
from transformers import LlamaConfig

from engine.bundle import AVAILABLE, Bundle
from engine.run_facts import Weights
from tests.fakes import METHODS, LetterTokenizer

WEIGHTS = Weights("table", "tests", "", "float64")


class TableModel(torch.nn.Module):
    """A language model whose logits are looked up by the very text that it can see.

    It keeps (position, token) as its keys, so that a wrong mask, a wrong position or a row
    that was moved to the wrong slot either fails here or changes the text that is looked up.

    Args:
        near: another such model, whose logits plus ``noise`` this one answers with.
    """

    def __init__(self, vocab, seed=0, *, near=None, noise=1.0, context=128):
        super().__init__()
        self.config = LlamaConfig(
            vocab_size=vocab,
            num_hidden_layers=1,
            max_position_embeddings=context,
            bos_token_id=None,
            eos_token_id=None,
        )
        self.generation_config = None
        self.device, self.dtype = torch.device("cpu"), torch.float64
        self.vocab, self.seed, self.near, self.noise = vocab, seed, near, noise
        self._table = {}

    @property
    def base_model(self):
        return self

    def logits_after(self, text):
        """[V], the same for the same text and seed on every machine."""
        text = tuple(text)
        if text not in self._table:
            rng = torch.Generator().manual_seed(hash((self.seed, *text)) % 2**62)
            own = torch.randn(self.vocab, generator=rng, dtype=torch.float64) * 2
            if self.near is not None:
                own = self.near.logits_after(text) + self.noise * own
            self._table[text] = own
        return self._table[text]

    def greedy(self, prompt, count):
        """The most probable token over and over."""
        text = list(prompt)
        for _ in range(count):
            text.append(int(self.logits_after(text).argmax()))
        return tuple(text[len(prompt) :])

    def forward(self, input_ids, position_ids, attention_mask, past_key_values, **_):
        assert int(position_ids.max()) < self.config.max_position_embeddings
        rows = torch.stack([position_ids, input_ids], -1)[:, None].to(self.dtype)
        slots = past_key_values.update(rows, rows, 0)[0][0, 0].tolist()
        num = input_ids.shape[1]
        seen = [self._visible(slots, row, num, attention_mask) for row in range(num)]
        return SimpleNamespace(logits=torch.stack([self.logits_after(text) for text in seen])[None])

    @staticmethod
    def _visible(slots, row, num, mask):
        """The text that a row sees: what its mask lets through, in the order of positions."""
        if mask is None:
            seen = slots[: len(slots) - num + row + 1]
        else:
            seen = [slot for slot, hidden in zip(slots, mask[0, 0, row], strict=True) if not hidden]
        positions, tokens = zip(*sorted(map(tuple, seen)), strict=True)
        assert positions == tuple(range(len(seen))), f"a row sees positions {positions}"
        return tuple(int(token) for token in tokens)


def table_bundle(vocab=12, seed=0, *, noise=0.7, context=128, ends=None) -> Bundle:
    """A random target, and a draft model that agrees with it more often than not."""
    target = TableModel(vocab, seed, context=context)
    target.config.eos_token_id = ends
    draft = TableModel(vocab, seed + 1, near=target, noise=noise, context=context)
    methods = dict.fromkeys(METHODS, AVAILABLE)
    return Bundle(target, LetterTokenizer(), "tests", WEIGHTS, methods, draft, WEIGHTS)
