"""The endpoint for programs: a run as the text of its trace file, no page needed.

It waits in the queue of the page's own runs, for the device is one, and is bounded as they are.
``gradio_client`` fills in what is not given; over plain HTTP all five values have to be sent.
"""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from engine.trace import Trace
from ui import messages, methods, settings
from ui.runner import Runner
from ui.settings import Wish
from ui.visitor import Visitor

NAME = "decode"


def api(runner: Runner) -> None:
    """Offer ``/decode`` to ``gradio_client`` and whoever else speaks HTTP."""
    gr.api(Api(runner).decode, api_name=NAME, concurrency_id="device", concurrency_limit=1)


class Api:
    """What the endpoint calls."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner

    def decode(
        self,
        prompt: str,
        method: str = methods.ANYWHERE,
        max_new_tokens: int = settings.USUAL["max_new_tokens"],
        temperature: float = 0.0,
        seed: int = 0,
    ) -> str:
        """Decode the prompt; the trace as JSON Lines: a header, a line a round, an end.

        Raises:
            gr.Error: what is wrong with the request, in one sentence.
        """
        own = dict(method=method, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed)
        try:
            wish = settings.read(prompt, settings.USUAL | own)
        except ValueError as error:
            raise _refusal(str(error)) from None
        return self._trace(wish)

    def _trace(self, wish: Wish) -> str:
        """One run for a visitor of his own, whose memory is empty."""
        traces: list[Trace] = []

        def job(visitor: Visitor) -> Iterator[str]:
            traces.append(_record(self.runner.decoder, visitor.bundle, wish))
            yield from ()  # nobody looks on

        session = messages.new_run()
        try:
            problems = [p for m in self.runner.work(session, job) if (p := messages.problem_of(m))]
        finally:
            self.runner.leave(session)
        if problems:
            raise _refusal(problems[0])
        return "".join(f"{line}\n" for line in traces[0].lines())


def _record(decoder: Any, bundle: Any, wish: Wish) -> Trace:
    """The whole run, or what memory had room for of it.

    Raises:
        ValueError: it cannot be run; a sentence for the caller.
    """
    if reason := methods.why_not(wish.config.method, bundle.methods):
        raise ValueError(reason)
    run = decoder.decode(bundle, wish.prompt, wish.config)
    try:
        return Trace.of(run)
    finally:
        run.close()


def _refusal(sentence: str) -> gr.Error:
    return gr.Error(sentence, print_exception=False)
