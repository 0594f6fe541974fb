"""Requests that a target thinks of: where they begin, and which of them are kept."""

import argparse

import pytest
import torch

import train.imagine
from train.imagine import imagine, opening_of
from train.writing import Written

EOS = 2


class Letters:
    """A tokenizer whose ids are code points behind three marks; a chat is marked by user turns."""

    def apply_chat_template(self, chat, tokenize):
        return "".join(f"<{turn['role']}>{turn['content']}</{turn['role']}>" for turn in chat)

    def __call__(self, text, add_special_tokens):
        return {"input_ids": [ord(letter) for letter in text]}

    def decode(self, ids):
        return "".join(map(chr, ids))


def told_by(texts, monkeypatch):
    """``imagine`` over a target that writes ``texts`` (text, whether it is finished)."""

    def write(target, prompts, temperature, args):
        assert temperature == 1.0 and len(prompts) == args.lines
        opening = prompts[0]
        lines = [
            opening + [ord(letter) for letter in text] + [EOS] * finished
            for text, finished in texts
        ]
        width = max(map(len, lines))
        ids = torch.tensor([line + [0] * (width - len(line)) for line in lines])
        stops = [len(line) for line in lines]
        return Written(ids, [0] * len(lines), stops, len(opening), {}, ids, ids)

    monkeypatch.setattr(train.imagine, "write", write)
    args = argparse.Namespace(lines=len(texts), longest=160, eos=EOS)
    return imagine(None, Letters(), args)


def test_a_request_begins_where_the_template_lets_a_user_speak():
    assert opening_of(Letters()) == "<user>"


@pytest.mark.parametrize(
    ("text", "finished", "is_kept"),
    [
        ("What is a hash table?", True, True),
        ("  Name five rivers. ", True, True),
        ("What is a hash table, and", False, False),
        ("Hello there", True, False),
    ],
    ids=["finished", "with spaces", "broken off", "too short"],
)
def test_only_a_finished_request_of_some_length_is_kept(text, finished, is_kept, monkeypatch):
    assert told_by([(text, finished)], monkeypatch) == ([text.strip()] if is_kept else [])


def test_a_request_thought_of_twice_is_asked_once(monkeypatch):
    asked = told_by([("Name five rivers.", True), ("Name five rivers. ", True)], monkeypatch)
    assert asked == ["Name five rivers."]
