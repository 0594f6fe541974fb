"""The comparison: one prompt and the lanes at the left, the race beside them."""

from typing import Any

import gradio as gr

from ui import compare_run, settings
from ui.compare_lane import lane_boxes
from ui.compare_run import LANES
from ui.examples import EXAMPLES
from ui.runner import Runner
from ui.view import notice, view
from ui.work import Work

USUAL = ("suffix", "draft_tree", "eagle2")  # to begin with, each with its own best tree


def compare_tab(runner: Runner, page: gr.Blocks) -> None:
    """Lay the tab out and wire it."""
    with gr.Row(elem_id="compare-house", elem_classes="house"):
        with gr.Column(elem_id="compare-rail", elem_classes="rail"):
            prompt = gr.Textbox(EXAMPLES[0].prompt, label="Prompt", lines=3, max_lines=5)
            widgets = _shared() | _lanes(runner, page)
            with gr.Row(elem_classes="buttons"):
                go = gr.Button("Race", variant="primary", elem_id="race-go")
                stop = gr.Button("Stop", elem_id="race-stop")
            notice()
        shown = view("race")
    work = Work(runner, "race", compare_run.read, compare_run.compare)
    work.wire(go, stop, prompt, widgets, shown, page)


def _shared() -> dict[str, Any]:
    """What all lanes have in common; a lane's own temperature comes before this one."""
    with gr.Row(elem_classes="lane-row"):
        temperature = gr.Number(0.0, label="Temperature", step=0.1, min_width=60)
        tokens = gr.Number(settings.USUAL["max_new_tokens"], label="Tokens", min_width=60)
        seed = gr.Number(0, label="Seed", min_width=60)
    return {"temperature": temperature, "max_new_tokens": tokens, "seed": seed}


def _lanes(runner: Runner, page: gr.Blocks) -> dict[str, Any]:
    """The widgets of every lane but the first."""
    gr.HTML("<p class='first-lane'>Lane 1: plain decoding, always</p>", apply_default_css=False)
    widgets: dict[str, Any] = {}
    for number, usual in enumerate(USUAL[:LANES], start=1):
        widgets |= lane_boxes(runner, page, number, usual)
    return widgets
