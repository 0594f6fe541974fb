"""A run as one HTML file: the page's own player, plotly.js and the messages inside; no network.

The page's modules stand in an import map as ``data:`` addresses, since a file may not import
other files; what the run holds travels deflated in base64, so nothing in it can be markup.
"""

import json
import re
import zlib
from base64 import b64encode
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import plotly

from engine.trace import Trace
from viz.stage import Stage, header_message
from viz.theme import css_variables

ASSETS = Path(__file__).parents[1] / "assets"
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
SLOT = "THE-RUN"
PARTS = ("header", "keys", "notice", "facts", "stage", "numbers")  # that the page has as well
_IMPORT = re.compile(r"""(from\s+|import\s*\(?\s*)(['"])\./([\w-]+\.js)\2""")


def standalone(trace: Trace, name: str = "a trace") -> str:
    """The page of ``trace``; ``name`` stands where a file's name would."""
    return template().replace(SLOT, _packed("\n".join(messages(trace, name)).encode()))


def messages(trace: Trace, name: str) -> Iterator[str]:
    """What the player is told of a whole trace: header, rounds, end."""
    stage = Stage(trace.header, trace.end.plain if trace.end else None)
    yield header_message(trace.header, "file", name)
    yield from map(stage.round_message, trace.rounds)
    yield stage.end_message(trace.end)


@lru_cache(maxsize=1)
def template() -> str:
    """The page without a run: ``SLOT`` stands where its deflated messages belong, in base64."""
    page = _text("export/page.html")
    for part in PARTS:
        page = page.replace(f"THE-{part.upper()}", _text(f"{part}.html"))
    sheets = ("stage.css", "pauses.css", "mask.css", "numbers.css", "touch.css", "export/page.css")
    css = css_variables() + "".join(map(_text, sheets))
    return (
        page.replace("THE-STYLE", css)
        .replace("THE-MODULES", json.dumps({"imports": _modules()}))
        .replace("THE-LIBRARY", _packed(PLOTLY.read_bytes()))
    )


def _modules() -> dict[str, str]:
    """What the page's script needs, by name; modules of ``export`` stand in for the page's."""
    found: dict[str, str] = {}
    waiting = ["main.js"]
    while waiting:
        name = waiting.pop()
        if f"player/{name}" not in found:
            code = _code(name)
            waiting += [wanted for _, _, wanted in _IMPORT.findall(code)]
            found[f"player/{name}"] = _address(code)
    return found


def _code(name: str) -> str:
    own = ASSETS / "export" / name
    return _text(f"export/{name}" if own.exists() else f"player/{name}")


def _address(code: str) -> str:
    """A module as an address, its own imports by the names of the map."""
    code = _IMPORT.sub(r"\1\2player/\3\2", code)
    return "data:text/javascript;base64," + b64encode(code.encode()).decode("ascii")


def _packed(content: bytes) -> str:
    return b64encode(zlib.compress(content, 9)).decode("ascii")


def _text(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")
