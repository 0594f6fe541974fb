"""The endpoint for programs: a run as the text of its trace file, no page needed.

It waits in the queue of the page's own runs, for the device is one, and is bounded as they are.
``gradio_client`` fills in what is not given; over plain HTTP all five values have to be sent.
"""

from collections.abc import Iterator
from time import monotonic
from typing import Any

import gradio as gr

from engine.cut_short import CutShortError
from engine.records import Round
from engine.trace import Trace
from ui import messages, methods, settings
from ui.runner import Runner
from ui.settings import Wish
from ui.visitor import Visitor

NAME = "decode"
BEAT_SECONDS = 0.5  # between two signs of life, at the least: a caller who has left ends his run


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
    ) -> Iterator[str]:
        """Decode the prompt; the trace as JSON Lines: a header, a line a round, an end.

        Until then nothing, now and then.

        Raises:
            gr.Error: what is wrong with the request, in one sentence.
        """
        own = dict(method=method, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed)
        try:
            wish = settings.read(prompt, settings.USUAL | own)
        except ValueError as error:
            raise _refusal(str(error)) from None
        yield from self._trace(wish)

    def _trace(self, wish: Wish) -> Iterator[str]:
        """One run for a visitor of his own, whose memory is empty."""
        traces: list[Trace] = []

        def job(visitor: Visitor) -> Iterator[str]:
            yield from _record(self.runner.decoder, visitor, wish, traces)

        session, problem, told = messages.new_run(), "", monotonic()
        try:
            for message in self.runner.work(session, job):
                problem = problem or messages.problem_of(message)
                if monotonic() - told > BEAT_SECONDS:
                    yield ""
                    told = monotonic()
        finally:
            self.runner.leave(session)
        if problem:
            raise _refusal(problem)
        yield "".join(f"{line}\n" for line in traces[0].lines())


def _record(decoder: Any, visitor: Visitor, wish: Wish, traces: list[Trace]) -> Iterator[str]:
    """A sign of life a round; then the whole run, or what memory had room for, is in ``traces``.

    Raises:
        ValueError: it cannot be run; a sentence for the caller.
    """
    if reason := methods.why_not(wish.config.method, visitor.bundle.methods):
        raise ValueError(reason)
    rounds: list[Round] = []
    run = decoder.decode(visitor.bundle, wish.prompt, wish.config, visitor.cancelled.is_set)
    try:
        for this in run:
            rounds.append(this)
            yield messages.status("")
    except CutShortError:
        if not rounds:
            raise
    finally:
        run.close()
    traces.append(Trace(run.header, tuple(rounds), run.end))


def _refusal(sentence: str) -> gr.Error:
    return gr.Error(sentence, print_exception=False)
