"""A part of the page that a module of its own fills from messages: the proof, the race."""

from pathlib import Path

import gradio as gr

ASSETS = Path(__file__).parents[1] / "assets"


NOTICE = '<p class="notice" role="status"></p><p class="queue" role="status"></p>'


def notice() -> gr.HTML:
    """Where a view says what goes on and what is wrong: under the buttons one has just pressed."""
    return gr.HTML(NOTICE, apply_default_css=False)


def view(name: str) -> gr.HTML:
    """A template that never changes, and the script that hands messages to ``name``.js."""
    boot = (ASSETS / "player" / "boot_view.js").read_text(encoding="utf-8")
    return gr.HTML(
        "",
        html_template=(ASSETS / f"{name}.html").read_text(encoding="utf-8"),
        js_on_load=boot.replace("VIEW", name),
        apply_default_css=False,
        elem_id=name,
    )
