"""The comparison: one prompt and the lanes at the left, the race beside them."""

from typing import Any

import gradio as gr

from ui import compare_run
from ui.compare_run import LANES, NONE
from ui.examples import EXAMPLES
from ui.method_box import method_box
from ui.runner import Runner
from ui.view import view
from ui.work import Work

USUAL = (("suffix", "auto"), ("draft_tree", "8"), ("eagle2", "auto"))  # to begin with
NO_LANE = ("no lane", NONE)


def compare_tab(runner: Runner, page: gr.Blocks) -> None:
    """Lay the tab out and wire it."""
    with gr.Row(elem_id="compare-house", elem_classes="house"):
        with gr.Column(elem_id="compare-rail", elem_classes="rail"):
            prompt = gr.Textbox(EXAMPLES[0].prompt, label="Prompt", lines=3, max_lines=5)
            widgets = _shared() | _lanes(runner, page)
            with gr.Row(elem_classes="buttons"):
                go = gr.Button("Race", variant="primary", elem_id="race-go")
                stop = gr.Button("Stop", elem_id="race-stop")
        shown = view("race")
    work = Work(runner, "race", compare_run.read, compare_run.compare)
    work.wire(go, stop, prompt, widgets, shown, page)


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
