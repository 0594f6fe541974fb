"""The values of the widgets as a ``DecodeConfig``.

The browser is not trusted: whatever arrives becomes a valid configuration or one sentence
for the person in front of it.
"""

from dataclasses import dataclass
from typing import Any

from engine.config import DecodeConfig

MAX_PROMPT = 50_000  # characters; about 12,000 tokens, beyond the default target's context
MAX_NEW_TOKENS = 1024
MAX_STOPS = 8
_WORDS = {  # names as they stand beside the widgets
    "method": "Method",
    "max_new_tokens": "Tokens",
    "temperature": "Temperature",
    "top_k": "Top k",
    "top_p": "Top p",
    "repetition_penalty": "Repetition penalty",
    "seed": "Seed",
    "num_draft": "Draft length",
    "tree": "Tree",
    "rule": "Rule",
    "drafting": "Drafting",
}
_BOUNDS = {  # as the page counts: 0 or 1 may stand for off
    "top_k": f"must be 0 (off) or between 1 and {2**31 - 1}",
    "top_p": "must be above 0 and at most 1 (off)",
    "seed": f"must be between 0 and {2**53 - 1}",  # what JavaScript can count to
    "num_draft": "must be 0 (usual) or between 1 and 64",
}
_WHOLE = ("max_new_tokens", "seed")
USUAL: dict[str, Any] = {  # what a visitor starts with, and where a tab has no widget for it
    "max_new_tokens": 96,
    "temperature": 0.0,
    "top_k": 0,
    "top_p": 1,
    "repetition_penalty": 1.0,
    "seed": 0,
    "num_draft": 0,
    "tree": "auto",
    "rule": "recursive",
    "drafting": "top",
    "stop": "",
    "chat": True,
    "compare": False,
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a visitor asked for, checked."""

    prompt: str
    config: DecodeConfig
    compare: bool


def read(prompt: Any, values: dict[str, Any]) -> Wish:
    """Check everything that came from the browser.

    Args:
        values: by the names of ``DecodeConfig``, and ``compare``; 0 or nothing in
            ``top_k`` and 1 in ``top_p`` mean off, 0 in ``num_draft`` the method's own.

    Raises:
        ValueError: one sentence that names the widget.
    """
    fields = {name: value for name, value in values.items() if name != "compare"}
    fields |= {name: _whole(name, values[name]) for name in _WHOLE}
    fields["temperature"] = _number("temperature", values["temperature"])
    fields["repetition_penalty"] = _number("repetition_penalty", values["repetition_penalty"])
    fields["top_k"] = _whole("top_k", values["top_k"] or 0) or None
    fields["num_draft"] = _whole("num_draft", values["num_draft"] or 0) or None
    fields["top_p"] = _top_p(values["top_p"])
    fields["stop"] = _stops(values["stop"])
    fields["tree"] = _tree(values["tree"])
    fields["chat"] = None if values["chat"] else False
    if fields["max_new_tokens"] > MAX_NEW_TOKENS:
        raise ValueError(f"Tokens: at most {MAX_NEW_TOKENS} at a time here.")
    if fields["max_new_tokens"] < 1:
        raise ValueError(
            f"Tokens must be between 1 and {MAX_NEW_TOKENS}, got {fields['max_new_tokens']}."
        )
    return Wish(_prompt(prompt), _config(fields), bool(values["compare"]))


def _config(fields: dict[str, Any]) -> DecodeConfig:
    """The engine's own check, in the words of the page."""
    try:
        return DecodeConfig(**fields)
    except ValueError as error:
        name, _, rest = str(error).partition(" ")
        if name in _BOUNDS and rest.startswith("must be between"):
            rest = f"{_BOUNDS[name]}, got{rest.partition(', got')[2]}"
        raise ValueError(f"{_WORDS.get(name, name)} {rest}.") from None


def _prompt(text: Any) -> str:
    """A prompt that is text one can read."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError("The prompt is empty: write something, or choose an example.")
    if len(text) > MAX_PROMPT:
        raise ValueError(
            f"The prompt has {len(text):,} characters; at most {MAX_PROMPT:,} are read."
        )
    for place, letter in enumerate(text, start=1):
        if (letter < " " and letter not in "\t\n\r") or letter == "\x7f":
            raise ValueError(
                f"Character {place} of the prompt is the control character U+{ord(letter):04X}."
            )
        if "\ud800" <= letter <= "\udfff":
            raise ValueError(f"Character {place} of the prompt is half of a character only.")
    return text


def _number(name: str, value: Any) -> float:
    """A float, whichever kind of number the browser sent."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{_WORDS[name]}: a number is missing here.")
    try:
        return float(value)
    except OverflowError:  # a whole number of more than 300 digits
        raise ValueError(f"{_WORDS[name]} must be a number one can count with.") from None


def _whole(name: str, value: Any) -> int:
    """An int; JavaScript's 4.0 is one."""
    number = _number(name, value)
    if abs(number) > 2**53:
        raise ValueError(f"{_WORDS[name]} must be a whole number up to 2⁵³, not {number:g}.")
    if number != number or number != int(number):
        raise ValueError(f"{_WORDS[name]} must be a whole number, not {number:g}.")
    return int(number)


def _top_p(value: Any) -> float | None:
    share = _number("top_p", 1 if value is None else value)
    return None if share == 1 else share


def _stops(text: Any) -> tuple[str, ...]:
    """One stop string a line; ``\\n`` in it stands for a new line."""
    lines = [line.replace("\\n", "\n") for line in str(text or "").splitlines() if line]
    if len(lines) > MAX_STOPS or any(len(line) > 200 for line in lines):
        raise ValueError(f"Stop strings: at most {MAX_STOPS}, of at most 200 characters each.")
    return tuple(lines)


def _tree(text: Any) -> str | int:
    """``auto`` or a number of nodes."""
    words = str(text if text is not None else "auto").strip().lower() or "auto"
    if words == "auto":
        return "auto"
    if not (words.isascii() and words.isdigit() and len(words) < 10):
        raise ValueError(f"Tree must be 'auto' or a number of nodes, not {words[:40]!r}.")
    return int(words)
