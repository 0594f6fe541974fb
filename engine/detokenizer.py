"""Text as it grows token by token, and the look of single tokens."""

import re

from transformers import PreTrainedTokenizerBase
from transformers.convert_slow_tokenizer import bytes_to_unicode

INCOMPLETE = "\ufffd"  # what a tokenizer decodes half a character to
BYTES = {letter: byte for byte, letter in bytes_to_unicode().items()}
PENDING = 8  # tokens whose text is held back at the most: a character has four bytes


def special_ids(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Tokens that leave no text behind."""
    added = getattr(tokenizer, "added_tokens_decoder", {})
    return frozenset(token for token, told in added.items() if told.special)


class Detokenizer:
    """Turns a stream of tokens into pieces of text that join to the whole."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer, self._skipped = tokenizer, special_ids(tokenizer)
        self._tokens: list[int] = []
        self._start = 0  # decoding begins here: far enough back for spaces to come out right
        self._read = 0  # tokens whose text was given out

    def push(self, token: int) -> str:
        """The text that ``token`` adds; "" while a character is incomplete."""
        if token in self._skipped:  # else a run of them would be decoded again with each
            return ""
        self._tokens.append(token)
        before = self._decode(self._tokens[self._start : self._read])
        now = self._decode(self._tokens[self._start :])
        # what adds no text must not become the first of the window: its word would lose the space
        if now.endswith(INCOMPLETE) or len(now) <= len(before):
            is_long = now.endswith(INCOMPLETE) and self._pending > PENDING
            return self._settled(before, now) if is_long else ""
        self._start, self._read = self._read, len(self._tokens)
        return now[len(before) :]

    @property
    def _pending(self) -> int:
        """Tokens whose text is held back."""
        return len(self._tokens) - self._read

    def _settled(self, before: str, now: str) -> str:
        """The part of what is held back that no token to come can change any more.

        A character that is incomplete now begins among the last three bytes; the cut must not
        fall into a whole one, which has four: a few tries find it.
        """
        last = len(self._tokens) - 3
        for end in range(last, last - 4, -1):
            text = self._decode(self._tokens[self._start : end])
            if now.startswith(text) and len(text) > len(before):
                self._start, self._read = self._read, end
                return text[len(before) :]
        return ""

    def rest(self) -> str:
        """What is still held back: half characters at the end of a run."""
        before = self._decode(self._tokens[self._start : self._read])
        return self._decode(self._tokens[self._start :])[len(before) :]

    def _decode(self, tokens: list[int]) -> str:
        return self.tokenizer.decode(tokens, skip_special_tokens=True)


def _legible(spelt: str) -> str:
    """A vocabulary's spelling, or its bytes where it is in the alphabet of byte-level BPE.

    That has a letter for each byte (GPT-2's): a part of a character would look like a word.
    """
    if not spelt or any(letter not in BYTES for letter in spelt):
        return spelt
    told = bytes(BYTES[letter] for letter in spelt).decode("utf-8", errors="backslashreplace")
    return re.sub(r"(\\x[0-9a-f]{2})+", _shown, told)


def _shown(found: re.Match[str]) -> str:
    return f"⟨{found[0][2:].replace(chr(92) + 'x', '·').upper()}⟩"  # a blank would be one of text


class Pieces:
    """The text of single tokens, each looked up once."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        self._known: dict[int, str] = {}

    def __call__(self, token: int) -> str:
        """``token`` as text; the vocabulary's own spelling where it is no whole character.

        Its number where the vocabulary ends before the model's output layer does.
        """
        if token not in self._known:
            text = self.tokenizer.decode([token])
            if not text or INCOMPLETE in text:
                spelt = self.tokenizer.convert_ids_to_tokens(token)
                text = f"#{token}" if spelt is None else _legible(str(spelt))
            self._known[token] = text
        return self._known[token]
