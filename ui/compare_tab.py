"""The comparison: one prompt and the lanes at the left, the race beside them."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from ui import compare_run, messages
from ui.compare_run import LANES, NONE
from ui.examples import EXAMPLES
from ui.method_box import method_box
from ui.runner import Runner
from ui.stage_tab import AT_ONCE, DEVICE
from ui.view import view

USUAL = (("suffix", "auto"), ("draft_tree", "8"), ("eagle2", "auto"))  # to begin with
NO_LANE = ("no lane", NONE)


def compare_tab(runner: Runner, page: gr.Blocks) -> None:
    """Lay the tab out and wire it."""
    handlers = Handlers(runner)
    with gr.Row(elem_id="compare-house", elem_classes="house"):
        with gr.Column(elem_id="compare-rail", elem_classes="rail"):
            prompt = gr.Textbox(EXAMPLES[0].prompt, label="Prompt", lines=3, max_lines=5)
            widgets = _shared() | _lanes(runner, page)
            handlers.names = tuple(widgets)
            with gr.Row(elem_classes="buttons"):
                go = gr.Button("Race", variant="primary", elem_id="race-go")
                stop = gr.Button("Stop", elem_id="race-stop")
        shown = view("race")
    run = go.click(handlers.compare, [prompt, *widgets.values()], shown, **DEVICE)
    asked = stop.click(handlers.stop, None, None, **AT_ONCE)
    asked.then(None, cancels=[run], **AT_ONCE)
    page.unload(handlers.leave)


class Handlers:
    """What the events call; a visitor's race is apart from his run on the stage."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.names: tuple[str, ...] = ()  # of the values after the prompt

    def compare(self, request: gr.Request, prompt: Any, *values: Any) -> Iterator[str]:
        """The messages of a race, or of what was wrong with the wish."""
        try:
            wish = compare_run.read(prompt, dict(zip(self.names, values, strict=True)))
        except ValueError as error:
            yield messages.problem(str(error))
            return
        job = lambda visitor: compare_run.compare(  # noqa: E731
            self.runner.decoder, visitor.bundle, wish, visitor.cancelled.is_set
        )
        yield from map(messages.packed, self.runner.work(_name(request), job))

    def stop(self, request: gr.Request) -> None:
        """End this visitor's race with the lane in hand."""
        self.runner.stop(_name(request))

    def leave(self, request: gr.Request) -> None:
        """This visitor's tab is closed."""
        self.runner.leave(_name(request))


def _name(request: gr.Request) -> str:
    return f"{request.session_hash} race"


def _shared() -> dict[str, Any]:
    """What all lanes have in common."""
    with gr.Row():
        temperature = gr.Number(0.0, label="Temperature", step=0.1)
        tokens = gr.Number(96, label="Tokens", precision=0)
    seed = gr.Number(0, label="Seed", precision=0)
    return {"temperature": temperature, "max_new_tokens": tokens, "seed": seed}


def _lanes(runner: Runner, page: gr.Blocks) -> dict[str, Any]:
    """A method and a tree for each lane but the first."""
    gr.HTML("<p class='first-lane'>Lane 1: plain decoding, always</p>", apply_default_css=False)
    widgets: dict[str, Any] = {}
    for number, (usual, nodes) in enumerate(USUAL[:LANES], start=1):
        with gr.Row(elem_classes="lane-row"):
            box = method_box(runner, page, f"Lane {number + 1}", usual, NO_LANE)
            tree = gr.Textbox(nodes, label="Tree", max_lines=1, min_width=60)
        widgets |= {f"method{number}": box, f"tree{number}": tree}
    return widgets
