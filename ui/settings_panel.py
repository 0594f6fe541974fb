"""The settings of a run as widgets, folded away until somebody wants them."""

from typing import Any

import gradio as gr

from ui.settings import USUAL


def settings_panel() -> dict[str, Any]:
    """The widgets by the name of what they set, in the order the handler reads them."""
    with gr.Accordion("Settings", open=False, elem_id="settings"):
        with gr.Row():
            tokens = gr.Number(USUAL["max_new_tokens"], label="Tokens")
            temperature = gr.Number(USUAL["temperature"], label="Temperature", step=0.1)
        with gr.Row():
            top_k = gr.Number(USUAL["top_k"], label="Top k (0: off)")
            top_p = gr.Number(USUAL["top_p"], label="Top p (1: off)", step=0.05)
        with gr.Row():
            penalty = gr.Number(USUAL["repetition_penalty"], label="Repetition penalty", step=0.05)
            seed = gr.Number(USUAL["seed"], label="Seed")
        with gr.Row():
            num_draft = gr.Number(USUAL["num_draft"], label="Draft length (0: usual)")
            tree = gr.Textbox(USUAL["tree"], label="Tree (auto or nodes)", max_lines=1)
        rule = gr.Dropdown(
            [("recursive rejection", "recursive"), ("block (chains only)", "block")],
            value=USUAL["rule"],
            label="Rule",
        )
        drafting = gr.Dropdown(
            [("most probable tokens", "top"), ("drawn from their law", "sampled")],
            value=USUAL["drafting"],
            label="Drafting (heads)",
        )
        stop = gr.Textbox(USUAL["stop"], label="Stop strings, one a line", lines=1, max_lines=4)
        chat = gr.Checkbox(USUAL["chat"], label="Chat template, where there is one")
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
