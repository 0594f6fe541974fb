"""Method boxes that learn, once the model is there, which methods can run."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from ui import methods
from ui.runner import Runner

Choice = tuple[str, str]  # label and value


def method_box(
    runner: Runner, page: gr.Blocks, label: str, usual: str, nothing: Choice | None = None
) -> gr.Dropdown:
    """A box that is refreshed when the page is opened.

    Args:
        usual: the method that is chosen where it can run.
        nothing: a choice before the methods, taken where ``usual`` cannot run.
    """

    async def arrive() -> Any:
        await runner.loader.over()
        if runner.loader.methods is None:
            return gr.skip()
        filled = _filled(runner.loader.methods, usual, nothing)
        if filled["value"] == usual:  # shown already, unless another is chosen
            del filled["value"]
        return gr.Dropdown(**filled)

    box = gr.Dropdown(label=label, **_filled(runner.loader.methods, usual, nothing))
    page.load(
        arrive,
        None,
        box,
        api_visibility="private",
        show_progress="hidden",
        concurrency_limit=None,
    )
    return box


def _filled(known: Mapping[str, str] | None, usual: str, nothing: Choice | None) -> dict[str, Any]:
    """The choices, and the one that is made."""
    choices = [nothing] if nothing else []
    choices += methods.choices(known)
    values = [value for _, value in choices]
    can_run = usual in values and (known is None or known[usual] == "available")
    other = values[0] if nothing or known is None else methods.first_choice(known)
    return {"choices": choices, "value": usual if can_run else other}
