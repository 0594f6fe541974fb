"""What the buttons of a tab call whose work is neither the stage's run nor drawn on it."""

from collections.abc import Callable, Iterator
from math import inf
from typing import Any

import gradio as gr

from ui import messages
from ui.runner import Runner
from ui.stage_tab import AT_ONCE, DEVICE, NOW, moment

Read = Callable[[Any, dict[str, Any]], Any]  # prompt and values -> a wish, or a ValueError
Do = Callable[[Any, Any, Any, Callable[[], bool]], Iterator[str]]


class Work:
    """One kind of work, a visitor's own and apart from his run on the stage.

    Args:
        name: of the kind.
        read: checks what came from the browser.
        do: with decoder, bundle, wish and whether it was cancelled; yields messages.
    """

    def __init__(self, runner: Runner, name: str, read: Read, do: Do) -> None:
        self.runner, self.name, self.read, self.do = runner, name, read, do
        self.names: tuple[str, ...] = ()  # of the values after the prompt

    def wire(
        self,
        go: gr.Button,
        stop: gr.Button,
        prompt: gr.Textbox,
        widgets: dict[str, Any],
        shown: gr.HTML,
        page: gr.Blocks,
    ) -> Any:
        """Let ``go`` begin and ``stop`` end it; ``widgets`` by the names of their values.

        Returns:
            Gradio's event of ``go``, for what comes after it.
        """
        self.names = tuple(widgets)
        asked = gr.Number(visible="hidden")
        # "multiple": one that was stopped while it waits is still an open event of the button's
        order = dict(DEVICE, trigger_mode="multiple", js=f"(_, ...rest) => [{NOW}, ...rest]")
        run = go.click(self.begin, [asked, prompt, *widgets.values()], shown, **order)
        stop.click(self.stop, asked, None, **AT_ONCE, js=f"() => {NOW}")
        page.unload(self.leave)
        return run

    def begin(self, request: gr.Request, asked: Any, prompt: Any, *values: Any) -> Iterator[str]:
        """The messages of the work, or of what was wrong with the wish."""
        try:
            wish = self.read(prompt, dict(zip(self.names, values, strict=True)))
        except ValueError as error:
            yield messages.problem(str(error))
            return

        def job(visitor: Any) -> Iterator[str]:
            bundle = visitor.bundle.for_visitor()
            return self.do(self.runner.decoder, bundle, wish, visitor.cancelled.is_set)

        played = self.runner.work(self._session(request), job, moment(asked, inf))
        yield from map(messages.packed, played)

    def stop(self, request: gr.Request, asked: Any) -> None:
        """End this visitor's work with the step in hand, or while it waits."""
        self.runner.stop(self._session(request), moment(asked, -inf))

    def leave(self, request: gr.Request) -> None:
        """This visitor's tab is closed."""
        self.runner.leave(self._session(request))

    def _session(self, request: gr.Request) -> str:
        return f"{request.session_hash} {self.name}"
