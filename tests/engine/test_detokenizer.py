"""Pieces of text join to the whole text, whatever the tokens cut apart."""

import random
from types import SimpleNamespace

import pytest

from engine.detokenizer import INCOMPLETE, Detokenizer, Pieces


class ByteTokenizer:
    """A token per byte, as byte-level tokenizers fall back on; 256 is a special token."""

    def decode(self, ids, skip_special_tokens=False):
        ids = [token for token in ids if token < 256 or not skip_special_tokens]
        parts = (b"</s>" if token == 256 else bytes([token]) for token in ids)
        return b"".join(parts).decode("utf-8", errors="replace")

    def convert_ids_to_tokens(self, token):
        return f"<0x{token:02X}>"


class EndingTokenizer(ByteTokenizer):
    """Says, as the library's do, which of its tokens are special."""

    added_tokens_decoder = {256: SimpleNamespace(special=True), 65: SimpleNamespace(special=False)}


class WordTokenizer:
    """Words that bring their own space, of which the first of a text is dropped (Llama 2's way)."""

    words = ("▁the", "▁quick", "ly", "▁", "!")

    def decode(self, ids, skip_special_tokens=False):
        text = "".join(self.words[token] for token in ids).replace("▁", " ")
        return text[1:] if text.startswith(" ") else text

    def convert_ids_to_tokens(self, token):
        return self.words[token]


def pushed(tokenizer, tokens) -> list[str]:
    """What each token adds, and what is left at the end."""
    growing = Detokenizer(tokenizer)
    return [*map(growing.push, tokens), growing.rest()]


@pytest.mark.parametrize("text", ["plain", "né", "日本語 ok", "👩‍👩‍👧 family", "\x00\n\t", "𝔘𝔫𝔦"])
def test_pieces_of_bytes_join_to_the_text(text):
    pieces = pushed(ByteTokenizer(), text.encode())
    assert "".join(pieces) == text
    assert "\ufffd" not in "".join(pieces)


def test_a_character_appears_with_its_last_byte():
    assert pushed(ByteTokenizer(), "aé👍".encode()) == ["a", "", "é", "", "", "", "👍", ""]


def test_half_a_character_at_the_end_is_given_out_as_what_it_is():
    assert pushed(ByteTokenizer(), "a👍".encode()[:3]) == ["a", "", "", "\ufffd"]


def test_bytes_that_are_no_text_still_join_to_what_the_whole_decodes_to():
    rng, tokenizer = random.Random(3), EndingTokenizer()
    for _ in range(200):
        tokens = [
            rng.choice((65, 0xC3, 0xA9, 0xF0, 0x9F, 0x91, 0x8D, 0xFF, 256)) for _ in range(12)
        ]
        whole = tokenizer.decode(tokens, skip_special_tokens=True)
        assert "".join(pushed(tokenizer, tokens)) == whole


def test_spaces_stay_where_the_whole_text_has_them():
    tokens = [0, 1, 2, 0, 3, 4, 0]
    assert "".join(pushed(WordTokenizer(), tokens)) == WordTokenizer().decode(tokens)
    assert pushed(WordTokenizer(), [0, 1, 2])[:3] == ["the", " quick", "ly"]


def test_special_tokens_add_no_text():
    assert pushed(ByteTokenizer(), [104, 256, 105]) == ["h", "", "i", ""]


def test_a_single_token_shows_its_text_or_the_vocabularys_spelling():
    pieces = Pieces(ByteTokenizer())
    assert [pieces(token) for token in (65, 0xF0, 256, 10)] == ["A", "<0xF0>", "</s>", "\n"]


@pytest.mark.parametrize("tokens", [[0, 5, 1], [5, 0, 1], [0, 5, 5, 1, 4], [0, 1, 5]])
def test_a_token_without_text_costs_the_word_behind_it_no_space(tokens):
    """Llama 2's tokenizer drops the space of what it takes for the first word of a text."""

    class Marked(WordTokenizer):
        words = (*WordTokenizer.words, "")  # a special token, which is not shown

    pieces = pushed(Marked(), tokens)
    assert "".join(pieces) == Marked().decode(tokens)


class Counting(EndingTokenizer):
    """Counts the tokens that it is asked to decode."""

    def __init__(self):
        self.asked = 0

    def decode(self, ids, skip_special_tokens=False):
        self.asked += len(ids)
        return super().decode(ids, skip_special_tokens)


@pytest.mark.parametrize("token", [0x80, 0xF0, 256])
def test_what_adds_no_text_costs_no_more_from_token_to_token(token):
    tokenizer = Counting()
    pieces = pushed(tokenizer, [token] * 2000)
    assert "".join(pieces) == EndingTokenizer().decode([token] * 2000, skip_special_tokens=True)
    assert tokenizer.asked < 100 * 2000


def test_long_runs_of_bytes_that_are_no_text_join_to_what_the_whole_decodes_to():
    """Whole characters among them as well, so that a cut may fall anywhere."""
    rng, tokenizer = random.Random(5), EndingTokenizer()
    for _ in range(300):
        tokens = []
        while len(tokens) < 60:
            text = rng.choice(["a", "é", "€", "👍"]).encode()
            tokens += text if rng.random() < 0.2 else [rng.choice([*text, 0xFF, 256])]
        assert "".join(pushed(tokenizer, tokens)) == tokenizer.decode(tokens, True)


def test_a_token_that_the_vocabulary_lacks_is_shown_by_its_number():
    """Output layers are padded: there are more rows than tokens."""

    class Short(ByteTokenizer):
        def decode(self, ids, skip_special_tokens=False):
            return ""

        def convert_ids_to_tokens(self, token):
            return None

    assert Pieces(Short())(300) == "#300"


@pytest.mark.parametrize(
    ("spelt", "shown"), [("âĢ", "⟨E2·80⟩"), ("Ġâ", " ⟨E2⟩"), ("<0xF0>", "<0xF0>"), ("▁é", "▁é")]
)
def test_part_of_a_character_is_shown_by_its_bytes(spelt, shown):
    """Byte-level vocabularies spell bytes with letters, which would read as a broken page."""

    class Part(ByteTokenizer):
        def decode(self, ids, skip_special_tokens=False):
            return INCOMPLETE

        def convert_ids_to_tokens(self, token):
            return spelt

    assert Pieces(Part())(7) == shown
