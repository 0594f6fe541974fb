"""A part of the page that a module of its own fills from messages: the proof, the race."""

from pathlib import Path

import gradio as gr

ASSETS = Path(__file__).parents[1] / "assets"


NOTICE = '<p class="notice" role="status"></p><p class="queue" role="status"></p>'


def notice() -> gr.HTML:
    """Where a view says what goes on and what is wrong: under the buttons one has just pressed."""
    return gr.HTML(NOTICE, apply_default_css=False)


def view(name: str, more: str = "") -> gr.HTML:
    """A template that never changes, and the script that hands messages to ``name``.js.

    Args:
        more: a script that runs before it.
    """
    return gr.HTML(
        "",
        html_template=(ASSETS / f"{name}.html").read_text(encoding="utf-8"),
        js_on_load=more + _script("boot_view").replace("VIEW", name),
        apply_default_css=False,
        elem_id=name,
    )


def press_once(begin: str, end: str) -> str:
    """A script that turns ``begin`` off while what it began goes on; both by their ``elem_id``."""
    return _script("boot_press").replace("BEGIN", begin).replace("END", end)


def over(begin: str) -> str:
    """A script for when an event of ``begin`` is over, however it ended."""
    return f"() => document.dispatchEvent(new Event('over:{begin}'))"


def _script(name: str) -> str:
    return (ASSETS / "player" / f"{name}.js").read_text(encoding="utf-8")
