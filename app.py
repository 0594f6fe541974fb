"""The page: builds the Blocks, launches; no arithmetic.

``python app.py`` serves it on 127.0.0.1:7860, or where GRADIO_SERVER_NAME and
GRADIO_SERVER_PORT say.
"""

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before gradio is imported: it asks at once

import gradio as gr  # noqa: E402

from ui.api import api  # noqa: E402
from ui.compare_tab import compare_tab  # noqa: E402
from ui.loader import Loader, load_target  # noqa: E402
from ui.numbers_tab import numbers_tab  # noqa: E402
from ui.player import css, part, routes  # noqa: E402
from ui.proof_tab import proof_tab  # noqa: E402
from ui.runner import Runner  # noqa: E402
from ui.stage_tab import stage_tab  # noqa: E402


def build(runner: Runner) -> gr.Blocks:
    """The page around one decoder."""
    with gr.Blocks(title="Speculoscope", fill_width=True, delete_cache=(3600, 3600)) as page:
        api(runner)  # first: an event of the page may not take its name
        part("header")
        part("keys")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Stage"):
                stage_tab(runner, page)
            with gr.Tab("Compare", render_children=True):
                compare_tab(runner, page)
            with gr.Tab("Proof", render_children=True):
                proof_tab(runner, page)
            with gr.Tab("Numbers"):
                numbers_tab()
    # of all that waits, small events too: more than one tab's clicks fill
    return page.queue(max_size=128)


def launch(page: gr.Blocks, **more: object) -> None:
    """Serve the page: everything from this host, files bounded, nothing reported to anybody.

    Gradio asks itself whether it is up, through a proxy where the environment names one.
    """
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1,localhost")))
    page.launch(
        theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace"]),
        css=css(),
        app_kwargs={"routes": routes()},
        footer_links=[],
        ssr_mode=False,  # a Space asks for it, and Node in front would not pass our routes on
        run_history=False,
        max_file_size="64mb",  # of a trace: what can be saved can be opened
        quiet=True,
        prevent_thread_lock=True,
        **more,
    )
    print(f"Speculoscope: {page.local_url}", flush=True)


if __name__ == "__main__":
    loader = Loader(load_target)
    loader.start()
    page = build(Runner(loader))
    launch(page)
    page.block_thread()
