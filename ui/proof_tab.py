"""The proof: what to prove at the left, the proof under way beside it."""

import json
from typing import Any

import gradio as gr

from ui import proof_run
from ui.examples import EXAMPLES
from ui.method_box import method_box
from ui.proof_rules import rule_choices
from ui.runner import Runner
from ui.stage_tab import AT_ONCE
from ui.view import notice, over, press_once, view
from ui.work import Work

PROVEN = "draft"  # the method to begin with: it draws from a q of its own


def proof_tab(runner: Runner, page: gr.Blocks) -> None:
    """Lay the tab out and wire it."""
    with gr.Row(elem_id="proof-house", elem_classes="house"):
        with gr.Column(elem_id="proof-rail", elem_classes="rail"):
            prompt, widgets = _widgets(runner, page)
            with gr.Row(elem_classes="buttons"):
                go = gr.Button("Prove", variant="primary", elem_id="prove")
                stop = gr.Button("Stop", elem_id="proof-stop")
            notice()
        shown = view("proof", press_once("prove", "proof-stop"))
    work = Work(runner, "proof", proof_run.read, proof_run.prove)
    run = work.wire(go, stop, prompt, widgets, shown, page)
    run.then(None, None, None, js=over("prove"), **AT_ONCE)


def _widgets(runner: Runner, page: gr.Blocks) -> tuple[gr.Textbox, dict[str, Any]]:
    """The prompt, and the widgets by the name of what they set."""
    prompt = gr.Textbox(EXAMPLES[0].prompt, label="Prompt", lines=3, max_lines=5)
    method = method_box(runner, page, "Method", PROVEN)
    with gr.Row():
        temperature = gr.Number(0.7, label="Temperature", step=0.1, min_width=60)
        seed = gr.Number(0, label="Seed", min_width=60)
    rule = gr.Dropdown(
        rule_choices(), value="right", label="Rule (✗: broken on purpose)", elem_id="proof-rule"
    )
    counts = [(f"{count:,}", count) for count in proof_run.COUNTS]
    with gr.Row():
        count = gr.Dropdown(counts, value=5_000, label="Verifications")
        tokens = gr.Number(64, label="Tokens, at temperature 0")
    drafting = gr.Dropdown(
        [("the most probable tokens", "top"), ("tokens drawn from q", "sampled")],
        value="sampled",
        label="Heads draft",
    )
    with gr.Row(elem_classes="chips"):
        for name, value in (("temperature 0", 0), ("0.7", 0.7), ("1.0", 1.0)):
            chip = gr.Button(name, size="sm", elem_classes="chip")
            chip.click(None, None, temperature, js=f"() => {json.dumps(value)}", **AT_ONCE)
    return prompt, {
        "method": method,
        "temperature": temperature,
        "seed": seed,
        "rule": rule,
        "count": count,
        "max_new_tokens": tokens,
        "drafting": drafting,
    }
