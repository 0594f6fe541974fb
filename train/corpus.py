"""The training text as chats, and chats as rows of token ids, framed as the decoder frames them."""

import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from transformers import PreTrainedTokenizerBase

from train.needs import need_text

PARTS = ("replies", "dialogue", "maths")
Message = dict[str, str]  # role, content: what chat templates take


class Chat(NamedTuple):
    """A conversation whose last message is the assistant's."""

    messages: list[Message]
    finished: bool  # the last message ends where its author ended it
    greedy: bool  # the last message is the target's own, written at temperature 0


class Row(NamedTuple):
    """A chat as the target reads it, from the beginning of its context."""

    ids: list[int]
    first: int  # position of the first token that the assistant says
    greedy: bool


def read_chats(corpus: Path, part: str) -> Iterator[Chat]:
    """The chats of one part of the corpus, in file order.

    Args:
        corpus: folder with the ``.xz`` files.
        part: one of ``PARTS``.
    """
    reader = {"replies": _replies, "dialogue": _dialogues, "maths": _problems}[part]
    name = {"replies": "smollm2_replies.jsonl.xz"}.get(part, f"{part}.txt.xz")
    need_text(corpus / name, "--corpus")
    with lzma.open(corpus / name, "rt", encoding="utf-8") as lines:
        yield from reader(lines)


def frame(tokenizer: PreTrainedTokenizerBase, chat: Chat, length: int) -> Row:
    """``chat`` in the chat template, cut after ``length`` tokens.

    The last message is encoded on its own behind the finished prompt, because that is how
    its tokens came about: one by one, never merged with the template's.
    """
    opening = tokenizer.apply_chat_template(
        chat.messages[:-1], add_generation_prompt=True, return_dict=True
    )["input_ids"]
    said = tokenizer(chat.messages[-1]["content"], add_special_tokens=False)["input_ids"]
    end = [tokenizer.eos_token_id] if chat.finished else []
    return Row((opening + said + end)[:length], len(opening), chat.greedy)


def _replies(lines: Iterator[str]) -> Iterator[Chat]:
    """The target's own answers, one JSON object a line."""
    for line in lines:
        record = json.loads(line)
        messages = _alternate([record["prompt"], record["reply"]])
        yield Chat(messages, record["finished"], record["temperature"] == 0)


def _dialogues(lines: Iterator[str]) -> Iterator[Chat]:
    """Task dialogues up to the assistant's last turn; those that the assistant opens are left."""
    for document in _documents(lines):
        turns = [line.split(": ", 1) for line in document]
        while turns and turns[-1][0] != "Assistant":
            turns.pop()
        speakers = [turn[0] for turn in turns]
        if turns and speakers == ["User", "Assistant"] * (len(turns) // 2):
            yield Chat(_alternate([turn[-1] for turn in turns]), True, False)


def _problems(lines: Iterator[str]) -> Iterator[Chat]:
    """Word problems: the question, a line ``<|reply|>``, the answer."""
    for document in _documents(lines):
        question, found, answer = "\n".join(document).partition("\n<|reply|>\n")
        if found:
            yield Chat(_alternate([question, answer]), True, False)


def _documents(lines: Iterator[str]) -> Iterator[list[str]]:
    """Lines gathered up to each line ``<|end|>``."""
    gathered: list[str] = []
    for line in lines:
        if line.rstrip("\n") == "<|end|>":
            yield gathered
            gathered = []
        else:
            gathered.append(line.rstrip("\n"))


def _alternate(texts: list[str]) -> list[Message]:
    """Messages of the user and the assistant in turn."""
    roles = ("user", "assistant")
    return [{"role": roles[i % 2], "content": text} for i, text in enumerate(texts)]
