"""Proofs by the buttons of their tab: what is asked for again while it runs is made once."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Any

import gradio as gr

from ui.runner import Runner
from ui.stage_tab import moment
from ui.visitor import MOST
from ui.work import Do, Read, Work


@dataclass(slots=True)
class Proof:
    """The last one of a visitor; moments in ms, by his clock but for ``end``."""

    wished: tuple[Any, ...] = ()
    asked: float = -inf
    stopped: float = -inf
    end: float = -inf  # by the server's clock
    lag: float = inf  # of the server's clock, and the least delay that was met

    def is_repeated(self, wished: tuple[Any, ...], asked: float) -> bool:
        """Whether the same was asked for before it was over, and not because it was stopped."""
        is_under_way = asked <= self.end - self.lag
        return wished == self.wished and is_under_way and not self.asked <= self.stopped <= asked


class ProofWork(Work):
    """Work that a second press of its button does not do again: it would tell the same."""

    def __init__(self, runner: Runner, name: str, read: Read, do: Do) -> None:
        super().__init__(runner, name, read, do)
        self.proofs: dict[str, Proof] = {}  # by session

    def begin(self, request: gr.Request, asked: Any, prompt: Any, *values: Any) -> Iterator[str]:
        """As for all work; nothing where this is the proof that stood there when it was asked."""
        proof = self._last(self._session(request))
        when, wished = moment(asked, inf), (prompt, *values)
        proof.lag = min(proof.lag, _now() - when)
        if proof.is_repeated(wished, when):
            return
        proof.wished, proof.asked = wished, when
        try:
            yield from super().begin(request, asked, prompt, *values)
        finally:
            proof.end = _now()

    def stop(self, request: gr.Request, asked: Any) -> None:
        """As for all work; what is asked for from then on is another proof."""
        proof = self._last(self._session(request))
        proof.stopped = moment(asked, -inf)
        super().stop(request, asked)

    def _last(self, session: str) -> Proof:
        """Of this visitor; not every tab says that it is closed, and of many the oldest goes."""
        if session not in self.proofs and len(self.proofs) >= MOST:
            self.proofs.pop(next(iter(self.proofs)), None)
        return self.proofs.setdefault(session, Proof())

    def leave(self, request: gr.Request) -> None:
        """This visitor's tab is closed."""
        self.proofs.pop(self._session(request), None)
        super().leave(request)


def _now() -> float:
    return 1000 * time.time()
