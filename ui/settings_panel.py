"""The settings of a run as widgets, folded away until somebody wants them."""

from typing import Any

import gradio as gr

from engine.config import DecodeConfig

SHOWN = DecodeConfig(method="suffix", max_new_tokens=96)  # what a visitor starts with


def settings_panel() -> dict[str, Any]:
    """The widgets by the name of what they set, in the order the handler reads them."""
    with gr.Accordion("Settings", open=False, elem_id="settings"):
        with gr.Row():
            tokens = gr.Number(SHOWN.max_new_tokens, label="Tokens", precision=0)
            temperature = gr.Number(SHOWN.temperature, label="Temperature", step=0.1)
        with gr.Row():
            top_k = gr.Number(0, label="Top k (0: off)", precision=0)
            top_p = gr.Number(1.0, label="Top p (1: off)", step=0.05)
        with gr.Row():
            penalty = gr.Number(SHOWN.repetition_penalty, label="Repetition penalty", step=0.05)
            seed = gr.Number(SHOWN.seed, label="Seed", precision=0)
        with gr.Row():
            num_draft = gr.Number(0, label="Draft length (0: usual)", precision=0)
            tree = gr.Textbox(str(SHOWN.tree), label="Tree (auto or nodes)", max_lines=1)
        rule = gr.Dropdown(
            [("recursive rejection", "recursive"), ("block verification (chains only)", "block")],
            value=SHOWN.rule,
            label="Rule",
        )
        drafting = gr.Dropdown(
            [("most probable tokens", "top"), ("drawn from their law", "sampled")],
            value=SHOWN.drafting,
            label="Drafting (heads)",
        )
        stop = gr.Textbox("", label="Stop strings, one a line", lines=1, max_lines=4)
        chat = gr.Checkbox(True, label="Chat template, where there is one")
        compare = gr.Checkbox(True, label="Compare with plain decoding")
    return {
        "max_new_tokens": tokens,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "repetition_penalty": penalty,
        "seed": seed,
        "num_draft": num_draft,
        "tree": tree,
        "rule": rule,
        "drafting": drafting,
        "stop": stop,
        "chat": chat,
        "compare": compare,
    }
