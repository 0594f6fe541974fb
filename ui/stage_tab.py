"""The stage: what to ask and how to decode at the left, the player beside it."""

import json
import math
from collections.abc import AsyncIterator, Iterator
from typing import Any

import gradio as gr

from ui import again, messages, methods, settings, traces
from ui.examples import EXAMPLES
from ui.player import part, player
from ui.runner import Runner
from ui.settings_panel import settings_panel

PRIVATE = dict(api_visibility="private", show_progress="hidden")
AT_ONCE = dict(PRIVATE, queue=False)
DEVICE = dict(PRIVATE, concurrency_id="device", concurrency_limit=1)
FREE = dict(PRIVATE, concurrency_limit=None)
FILES = 2  # opened at once: one of 64 MiB takes a gigabyte while it is read
NOW = "Date.now()"  # ms, by the visitor's clock
ASKED = "The form holds this run's prompt and settings: Decode runs them here"


def stage_tab(runner: Runner, page: gr.Blocks) -> None:
    """Lay the tab out and wire it."""
    handlers = Handlers(runner)
    with gr.Row(elem_id="house"):
        with gr.Column(elem_id="rail"):
            prompt = _prompt()
            method, meaning = _method(runner)
            widgets = settings_panel()
            handlers.names = ("method", *widgets)
            with gr.Row(elem_id="buttons"):
                go = gr.Button("Decode", variant="primary", elem_id="go")
                stop = gr.Button("Stop", elem_id="stop")
                spare = gr.Button(visible="hidden", elem_id="spare")
                asked = gr.Number(visible="hidden", elem_id="asked")
            part("notice")
            part("facts")
            upload = gr.UploadButton("Open a trace file", file_types=[".jsonl"], elem_id="open")
            ask = gr.Button(visible="hidden", elem_id="ask")
            told, answer = (gr.Textbox(visible="hidden") for _ in range(2))
        stage = player()
        part("lessons")

    # A Decode during a run waits its turn ("multiple"): Gradio would drop it or not, as it happens.
    # Measuring is an event of its own, so that Decode is taken meanwhile.  The player presses
    # the hidden button then: a second listener of Decode would make every run wait for it.
    wished = [asked, prompt, method, *widgets.values()]
    order = dict(DEVICE, trigger_mode="multiple", js=f"(_, ...rest) => [{NOW}, ...rest]")
    run = go.click(handlers.decode, wished, stage, **order)
    run.then(handlers.measure, None, stage, **DEVICE)
    # By the visitor's flag, so that the run ends whole: Gradio's own ``cancels`` would drop its
    # end.  What waits in the queue, asked for earlier than the stop by the browser's clock, ends
    # when its turn comes.
    now = dict(AT_ONCE, js=f"() => {NOW}")
    spare.click(handlers.spare, asked, None, **now)
    stop.click(handlers.stop, asked, None, **now)
    left = upload.upload(handlers.stop, asked, None, **now)
    left.then(traces.open_file, upload, stage, **dict(FREE, concurrency_limit=FILES))
    # What is said of it does not come by way of the stage: a round may come there meanwhile.
    form = [prompt, method, meaning, *widgets.values(), answer]
    filled = ask.click(handlers.again, told, form, js="() => window.player.asked", **AT_ONCE)
    filled.then(None, answer, None, js="(line) => window.player.answer(line)", **AT_ONCE)
    method.input(handlers.explain, method, meaning, **AT_ONCE)
    page.load(handlers.arrive, None, [method, meaning, stage], **FREE)
    page.unload(handlers.leave)


class Handlers:
    """What the events call; a request says whose they are."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.names: tuple[str, ...] = ()  # of the values after the prompt

    def decode(self, request: gr.Request, asked: Any, prompt: Any, *values: Any) -> Iterator[str]:
        """The messages of a run, or of what was wrong with the wish."""
        try:
            wish = settings.read(prompt, dict(zip(self.names, values, strict=True)))
        except ValueError as error:
            yield messages.problem(str(error))
            return
        self.runner.settle(request.session_hash)
        played = self.runner.play(request.session_hash, wish, moment(asked, math.inf))
        yield from map(messages.packed, played)

    def measure(self, request: gr.Request) -> Iterator[str]:
        """The end of the last run again, with the time that plain decoding takes."""
        yield from map(messages.packed, self.runner.measure(request.session_hash))

    def spare(self, request: gr.Request, asked: Any) -> None:
        """Another run of this visitor comes: the last one need not be measured."""
        self.runner.spare(request.session_hash, moment(asked, -math.inf))

    def stop(self, request: gr.Request, asked: Any) -> None:
        """End this visitor's run, and those of his that wait."""
        self.runner.stop(request.session_hash, moment(asked, -math.inf))

    def leave(self, request: gr.Request) -> None:
        """This visitor's tab is closed."""
        self.runner.leave(request.session_hash)

    def explain(self, name: str) -> str:
        """The line under the method."""
        return methods.explain(name, self.runner.loader.methods)

    def again(self, told: Any) -> list[Any]:
        """The form filled with what the run on the stage was asked, and what to say of that."""
        try:
            asked = again.read(told)
        except ValueError as error:
            return [*[gr.skip()] * (len(self.names) + 2), messages.problem(str(error))]
        known = self.runner.loader.methods
        reason = methods.why_not(asked.method, known)
        method = gr.skip() if reason else asked.method
        meaning = gr.skip() if reason else methods.explain(asked.method, known)
        values = [asked.values[name] for name in self.names if name != "method"]
        notes = [note for note in (asked.note, reason.rstrip(".")) if note]
        words = f"{ASKED}{'; '.join(['', *notes])}."
        return [asked.prompt, method, meaning, *values, messages.status(words)]

    async def arrive(self) -> AsyncIterator[tuple[Any, Any, Any]]:
        """Follow the loading of the model until the methods are known."""
        loader = self.runner.loader
        while not loader.wait(0):
            yield gr.skip(), gr.skip(), messages.model(loader.progress)
            await loader.over(1)
        if loader.bundle is None:
            yield gr.skip(), gr.skip(), messages.model(loader.problem, is_problem=True)
            return
        choices, name = methods.choices(loader.methods), methods.first_choice(loader.methods)
        if name == methods.DEFAULT:  # is shown already, unless the visitor has chosen meanwhile
            yield gr.Dropdown(choices=choices), gr.skip(), messages.model("")
        else:
            update = gr.Dropdown(choices=choices, value=name)
            yield update, self.explain(name), messages.model("")


def moment(told: Any, otherwise: float) -> float:
    """What a browser says of its clock, where that is a number."""
    return float(told) if isinstance(told, int | float) and math.isfinite(told) else otherwise


def _prompt() -> gr.Textbox:
    """The prompt and the examples under it, which fill it without asking the server."""
    prompt = gr.Textbox(EXAMPLES[0].prompt, label="Prompt", lines=3, max_lines=6, elem_id="prompt")
    with gr.Row(elem_id="chips"):
        for example in EXAMPLES:
            chip = gr.Button(example.name, size="sm", elem_classes="chip")
            fill = f"() => {json.dumps(example.prompt)}"
            chip.click(None, None, prompt, js=fill, **AT_ONCE)
    return prompt


def _method(runner: Runner) -> tuple[gr.Dropdown, gr.Textbox]:
    """The method and one line on it."""
    known = runner.loader.methods
    usual = methods.first_choice(known) if known else methods.DEFAULT
    method = gr.Dropdown(methods.choices(known), value=usual, label="Method", elem_id="method")
    meaning = gr.Textbox(
        methods.explain(usual, known),
        show_label=False,
        container=False,
        interactive=False,
        lines=1,
        max_lines=4,
        elem_id="meaning",
    )
    return method, meaning
