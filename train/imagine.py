"""Requests that the target thinks of itself.

A model taught by conversations, given no more than the opening of a user's turn, writes what a
user would ask (Magpie: Xu et al., 2024, arXiv 2406.08464).  What it asks is spread as its own
training was, wider than any list of forms.
"""

import argparse

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from train.writing import write

MARK = "@@"  # stands for a request while the opening is found
SHORTEST = 12  # letters; less is no request


def imagine(
    target: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, args: argparse.Namespace
) -> list[str]:
    """At most ``args.lines`` finished requests, drawn at temperature 1."""
    spans = argparse.Namespace(**vars(args) | {"new_tokens": args.longest // 2, "few": 0.1})
    opening = tokenizer(opening_of(tokenizer), add_special_tokens=False)["input_ids"]
    written = write(target, [opening] * args.lines, 1.0, spans)
    asked = []
    for line, stop in zip(written.ids.tolist(), written.stop, strict=True):
        if line[stop - 1] == args.eos:
            asked.append(tokenizer.decode(line[written.width : stop - 1]).strip())
    return [text for text in dict.fromkeys(asked) if len(text) >= SHORTEST]


def opening_of(tokenizer: PreTrainedTokenizerBase) -> str:
    """What the chat template writes before a user's first word."""
    chat = [{"role": "user", "content": MARK}]
    return str(tokenizer.apply_chat_template(chat, tokenize=False)).split(MARK)[0]
