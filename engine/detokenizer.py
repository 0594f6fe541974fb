"""Text as it grows token by token, and the look of single tokens."""

from transformers import PreTrainedTokenizerBase

INCOMPLETE = "\ufffd"  # what a tokenizer decodes half a character to


class Detokenizer:
    """Turns a stream of tokens into pieces of text that join to the whole."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        self._tokens: list[int] = []
        self._start = 0  # decoding begins here: far enough back for spaces to come out right
        self._read = 0  # tokens whose text was given out

    def push(self, token: int) -> str:
        """The text that ``token`` adds; "" while a character is incomplete."""
        self._tokens.append(token)
        before = self._decode(self._tokens[self._start : self._read])
        now = self._decode(self._tokens[self._start :])
        # what adds no text must not become the first of the window: its word would lose the space
        if now.endswith(INCOMPLETE) or len(now) <= len(before):
            return ""
        self._start, self._read = self._read, len(self._tokens)
        return now[len(before) :]

    def rest(self) -> str:
        """What is still held back: half characters at the end of a run."""
        before = self._decode(self._tokens[self._start : self._read])
        return self._decode(self._tokens[self._start :])[len(before) :]

    def _decode(self, tokens: list[int]) -> str:
        return self.tokenizer.decode(tokens, skip_special_tokens=True)


class Pieces:
    """The text of single tokens, each looked up once."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        self._known: dict[int, str] = {}

    def __call__(self, token: int) -> str:
        """``token`` as text; the vocabulary's own spelling where it is no whole character."""
        if token not in self._known:
            text = self.tokenizer.decode([token])
            if not text or INCOMPLETE in text:
                text = str(self.tokenizer.convert_ids_to_tokens(token))
            self._known[token] = text
        return self._known[token]
