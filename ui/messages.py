"""The small messages that the page itself sends to the player, and the tag of a run.

Those with pictures are made by ``viz.stage``; nothing here knows what is in them.
"""

import json
import zlib
from base64 import b64encode
from itertools import count

PACKED = "z:"
_serial = count(1)  # Gradio sends nothing where a value did not change: every message is new


def status(text: str) -> str:
    """What is going on, for the line under the buttons."""
    return _small("status", text)


def problem(text: str) -> str:
    """What went wrong, for the same place."""
    return _small("problem", text)


def problem_of(message: str) -> str:
    """The words of a ``problem``; empty for any other message."""
    told = json.loads(message)
    return told["text"] if told["kind"] == "problem" else ""


def model(text: str, is_problem: bool = False) -> str:
    """How it stands with the model; said until there is nothing more to say."""
    return _small("model", text, is_problem=is_problem)


def new_run() -> str:
    """A name that no other run of this server has."""
    return f"run-{next(_serial)}"


def tagged(message: str, run: str) -> str:
    """``message`` with the run it belongs to, so that a run that was left can be told apart."""
    return f'{{"run":{json.dumps(run)},{message[1:]}'


def packed(text: str) -> str:
    """Messages as they travel through Gradio: deflated, a third of the bytes of what they say.

    Gradio escapes every quote of a string; base64 has none, and the browser inflates by itself.
    """
    return PACKED + b64encode(zlib.compress(text.encode(), 9)).decode("ascii")


def _small(kind: str, text: str, **more: bool) -> str:
    value = {"kind": kind, "text": text, "serial": next(_serial), **more}
    return json.dumps(value, separators=(",", ":"))
