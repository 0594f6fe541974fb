"""Method boxes that learn, once the model is there, which methods can run."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from ui import methods
from ui.runner import Runner


def follow(
    runner: Runner,
    page: gr.Blocks,
    box: gr.Dropdown,
    usual: str,
    nothing: tuple[str, str] | None = None,
) -> None:
    """Refresh ``box`` when the page is opened.

    Args:
        usual: the method that is chosen where it can run.
        nothing: label and value of a choice before the methods, taken where it cannot.
    """

    def arrive() -> Iterator[Any]:
        loader = runner.loader
        while not loader.wait(1):
            yield gr.skip()
        known = loader.methods
        if known is None:
            yield gr.skip()
            return
        choices = methods.choices(known)
        other = nothing[1] if nothing else methods.first_choice(known)
        value = usual if known.get(usual) == "available" else other
        yield gr.Dropdown(choices=[nothing, *choices] if nothing else choices, value=value)

    page.load(
        arrive,
        None,
        box,
        api_visibility="private",
        show_progress="hidden",
        concurrency_limit=None,
    )
