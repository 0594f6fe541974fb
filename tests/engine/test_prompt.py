"""What cannot be read as a prompt is refused in a sentence for the user; the rest becomes ids."""

import numpy as np
import pytest
import torch
from transformers.utils.chat_template_utils import render_jinja_template

from engine.config import DecodeConfig
from engine.decoding import decode
from engine.prompt import MAX_CHARACTERS, read_prompt
from tests.fakes import LetterTokenizer, tiny_bundle

CONTEXT = 32


class ChatTokenizer(LetterTokenizer):
    """Wraps a message in tokens 0 and 1."""

    chat_template = "a {message} b"

    def apply_chat_template(self, messages, add_generation_prompt, tokenize, return_dict):
        assert (add_generation_prompt, tokenize, return_dict) == (True, True, True)
        (message,) = messages
        assert message["role"] == "user"
        return {"input_ids": [0, *self(message["content"])["input_ids"], 1]}


@pytest.fixture(scope="module")
def base():
    return tiny_bundle(14, context=CONTEXT)


@pytest.fixture(scope="module")
def chat():
    bundle = tiny_bundle(14, context=CONTEXT)
    bundle.tokenizer = ChatTokenizer()
    return bundle


def test_a_base_model_reads_the_text_as_it_is(base):
    assert read_prompt(base, "cab", DecodeConfig()) == (2, 0, 1)
    assert read_prompt(base, "cab", DecodeConfig(chat=False)) == (2, 0, 1)


def test_a_chat_model_reads_the_text_in_its_template_unless_told_otherwise(chat):
    assert read_prompt(chat, "cc", DecodeConfig()) == (0, 2, 2, 1)
    assert read_prompt(chat, "cc", DecodeConfig(chat=True)) == (0, 2, 2, 1)
    assert read_prompt(chat, "cc", DecodeConfig(chat=False)) == (2, 2)


def test_token_ids_are_read_as_they_are_even_by_a_chat_model(chat):
    for ids in ([2, 0], (2, 0), np.array([2, 0]), torch.tensor([2, 0])):
        read = read_prompt(chat, ids, DecodeConfig())
        assert read == (2, 0) and all(type(token) is int for token in read)


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("", "The prompt is empty: write something to continue."),
        (" \n\t ", "The prompt is empty: write something to continue."),
        ([], "The prompt is empty: it needs at least one token."),
        ("a" * (MAX_CHARACTERS + 1), "The prompt has 1,000,001 characters; at most 1,000,000."),
        ("ab\ud83d", "half a character .a lone surrogate. at place 3"),
        ("ab\udc00cd", "half a character .a lone surrogate. at place 3"),
        ([1, 14], "Token 14 is not in the vocabulary of 14."),
        ([-1], "Token -1 is not in the vocabulary of 14."),
        ([1.5], "must be text, or token ids as whole numbers"),
        (["a"], "must be text, or token ids as whole numbers"),
        (b"hi", "must be text, or token ids as whole numbers"),
        (None, "must be text, or token ids as whole numbers"),
        (7, "must be text, or token ids as whole numbers"),
        ("z", "Token 25 is not in the vocabulary of 14."),
        ("a" * CONTEXT, "The prompt has 32 tokens; this model reads at most 32 and needs room"),
        ([0] * 10_000, "The prompt has 10,000 tokens; this model reads at most 32 and"),
    ],
)
def test_a_prompt_that_cannot_be_read_is_refused_before_anything_is_decoded(base, prompt, sentence):
    with pytest.raises(ValueError, match=sentence):
        decode(base, prompt)


def test_a_base_model_has_no_template_to_ask_for(base):
    with pytest.raises(ValueError, match="no chat template: switch the chat template off"):
        decode(base, "a", DecodeConfig(chat=True))


class RefusingTokenizer(ChatTokenizer):
    """Its template wants a system message first, in jinja's own words."""

    def apply_chat_template(self, messages, **options):
        template = "{{ raise_exception('Give a system message first.\nThen a user\\'s.') }}"
        return render_jinja_template([messages], chat_template=template)


def test_a_chat_template_that_refuses_a_lone_message_is_told_in_a_sentence():
    bundle = tiny_bundle(14, context=CONTEXT)
    bundle.tokenizer = RefusingTokenizer()
    with pytest.raises(ValueError) as told:
        decode(bundle, "cab")
    assert str(told.value) == (
        "This model's chat template does not take a lone message (Give a system message first): "
        "switch the chat template off (chat=False)."
    )
    assert decode(bundle, "cab", DecodeConfig(chat=False)).prompt == (2, 0, 1)


def test_a_text_of_which_the_tokenizer_leaves_nothing_is_refused(base, monkeypatch):
    monkeypatch.setattr(LetterTokenizer, "__call__", lambda self, text: {"input_ids": []})
    with pytest.raises(ValueError, match="The prompt is empty: it needs at least one token."):
        decode(base, "\u200b")


def test_the_longest_prompt_leaves_room_for_one_token(base):
    for length, reason in ((1, "length"), (2, "context"), (5, "context")):
        run = decode(base, [0] * (CONTEXT - 1), DecodeConfig(max_new_tokens=length))
        assert [len(this.emitted) for this in run] == [1]
        assert run.end.reason == reason


def test_markup_and_control_characters_are_text_like_any_other():
    bundle = tiny_bundle(14, context=CONTEXT)
    bundle.tokenizer = type(
        "Any", (LetterTokenizer,), {"__call__": lambda *_: {"input_ids": [3]}}
    )()
    for prompt in ("<script>alert(1)</script>", "\x00\x07\x1b[31m", "e\u0301\u202e"):
        assert decode(bundle, prompt).header.prompt == prompt
