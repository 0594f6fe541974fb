"""What the run on the stage was asked, as the form has it: a recorded run can be asked here too."""

import json
from typing import Any, NamedTuple

from ui import settings

NO_RUN = "There is no run on the stage that could be asked again."


class Asked(NamedTuple):
    """A run's wish.

    Attributes:
        values: of the widgets, by what they set.
        note: what the form cannot say as the run did; empty where it says all.
    """

    prompt: str
    method: str
    values: dict[str, Any]
    note: str


def read(told: Any) -> Asked:
    """What the browser tells of the run: its prompt, method and settings, as JSON.

    Raises:
        ValueError: a sentence: there is none, or this page would not take it.
    """
    try:
        run = json.loads(told)
        prompt, method, config = run["prompt"], run["method"], dict(run["config"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ValueError(NO_RUN) from None
    known = {name: config[name] for name in settings.USUAL if name in config}
    values, notes = settings.USUAL | known | {"compare": True}, []
    values["chat"] = values["chat"] is not False  # nothing said: where there is a template
    values["stop"] = _lines(values["stop"])
    for name, off in (("top_k", 0), ("top_p", 1), ("num_draft", 0)):
        values[name] = off if values[name] is None else values[name]
    if isinstance(values["tree"], list):
        values["tree"] = str(len(values["tree"]))
        notes.append(f"its tree of named paths becomes one of {values['tree']} nodes")
    tokens = values["max_new_tokens"]
    if isinstance(tokens, int) and tokens > settings.MAX_NEW_TOKENS:
        values["max_new_tokens"] = settings.MAX_NEW_TOKENS
        notes.append(f"at most {settings.MAX_NEW_TOKENS} tokens at a time here")
    try:
        settings.read(prompt, values | {"method": method})
    except ValueError as error:
        raise ValueError(f"This run cannot be asked again here. {error}") from None
    return Asked(prompt, str(method), values, "; ".join(notes))


def _lines(stop: Any) -> str:
    """Stop strings as their box has them, one a line."""
    texts = stop if isinstance(stop, list) else []
    return "\n".join(str(text).replace("\n", "\\n") for text in texts)
