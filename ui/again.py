"""What the run on the stage was asked, as the form has it: a recorded run can be asked here too."""

import json
from typing import Any, NamedTuple

from engine.config import DecodeConfig
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
    values = settings.USUAL | {name: config[name] for name in settings.USUAL if name in config}
    stop, tree, tokens = values["stop"], values["tree"], values["max_new_tokens"]
    values |= {"stop": _lines(stop), "chat": values["chat"] is not False}
    notes = []
    if isinstance(tree, list):
        values["tree"] = len(tree)
        notes.append(f"its tree of named paths becomes one of {len(tree)} nodes")
    if isinstance(tokens, int) and tokens > settings.MAX_NEW_TOKENS:
        values["max_new_tokens"] = settings.MAX_NEW_TOKENS
        notes.append(f"at most {settings.MAX_NEW_TOKENS} tokens at a time here")
    try:
        wish = settings.read(prompt, values | {"method": method})
    except ValueError as error:
        raise ValueError(f"This run cannot be asked again here. {error}") from None
    if isinstance(stop, list) and list(wish.config.stop) != stop:
        notes.append("its stop strings cannot all stand in their box")
    return Asked(wish.prompt, wish.config.method, _shown(wish.config, values), "; ".join(notes))


def _shown(config: DecodeConfig, values: dict[str, Any]) -> dict[str, Any]:
    """What the widgets show of checked settings; ``values`` has the stop strings as they stand."""
    shown = {name: getattr(config, name) for name in settings.USUAL if name != "compare"}
    off = {"top_k": config.top_k or 0, "num_draft": config.num_draft or 0}
    off["top_p"] = 1 if config.top_p is None else config.top_p
    words = {"tree": str(config.tree), "stop": values["stop"], "chat": config.chat is not False}
    return shown | off | words | {"compare": True}


def _lines(stop: Any) -> str:
    """Stop strings as their box has them, one a line."""
    texts = stop if isinstance(stop, list) else []
    return "\n".join(str(text).replace("\n", "\\n") for text in texts)
