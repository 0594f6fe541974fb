"""The widgets of one lane: its method, and below it what may be its own."""

from typing import Any

import gradio as gr

from ui.compare_run import NONE
from ui.method_box import method_box
from ui.methods import HEADS
from ui.runner import Runner
from ui.stage_tab import AT_ONCE

NO_LANE = ("no lane", NONE)
DRAFTING = [("top", "top"), ("drawn", "sampled")]


def lane_boxes(runner: Runner, page: gr.Blocks, number: int, usual: str) -> dict[str, Any]:
    """The widgets by the names of their values.

    Args:
        number: from 1; plain decoding's lane comes before it.
        usual: the method it has to begin with.
    """
    method = method_box(runner, page, f"Lane {number + 1}", usual, NO_LANE)
    with gr.Row(elem_classes=["lane-row", "lane-own"]):
        tree = gr.Textbox("auto", label="Tree", max_lines=1, min_width=60)
        temperature = gr.Textbox(  # a number's box shows 0 where it is empty
            "", label="Temperature", placeholder="as above", max_lines=1, min_width=60
        )
        drafting = gr.Dropdown(
            DRAFTING, value="top", label="Heads draft", min_width=60, visible=usual in HEADS
        )
    method.change(_has_heads, method, drafting, **AT_ONCE)
    boxes = {"method": method, "tree": tree, "temperature": temperature, "drafting": drafting}
    return {f"{name}{number}": box for name, box in boxes.items()}


def _has_heads(method: str) -> Any:
    """Only heads leave it open how they draft."""
    return gr.Dropdown(visible=method in HEADS)
