"""Prompts to begin with: each drafts well or badly for a reason one can see."""

from typing import NamedTuple


class Example(NamedTuple):
    """A prompt and the word on its button."""

    name: str
    prompt: str


EXAMPLES = (
    Example("list", "Give me five tips for learning a language."),
    Example("why", "Explain in three sentences why the sky is blue."),
    Example(
        "copy",
        "Repeat the following text word for word, then summarise it in one sentence.\n\n"
        "The lighthouse stands on the northern cape. It was built in 1871 from grey granite, "
        "and its lamp can be seen from twenty miles away. Until 1964 a keeper lived in the "
        "lighthouse; since then its lamp has been lit by a clock.",
    ),
    Example(
        "repeat",
        "Write a short paragraph about the sea. Then write the same paragraph three times.",
    ),
    Example("code", "Write a Python function that computes the Fibonacci numbers, and explain it."),
)
