"""Method boxes that learn, once the model is there, which methods can run."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from ui import methods
from ui.runner import Runner


def follow(runner: Runner, page: gr.Blocks, box: gr.Dropdown, usual: str) -> None:
    """Refresh ``box`` when the page is opened; ``usual`` is chosen where it can run."""

    def arrive() -> Iterator[Any]:
        loader = runner.loader
        while not loader.wait(1):
            yield gr.skip()
        known = loader.methods
        if known is None:
            yield gr.skip()
            return
        able = known.get(usual) == "available"
        value = usual if able else methods.first_choice(known)
        yield gr.Dropdown(choices=methods.choices(known), value=value)

    page.load(
        arrive,
        None,
        box,
        api_visibility="private",
        show_progress="hidden",
        concurrency_limit=None,
    )
