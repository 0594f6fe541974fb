"""The open tabs, each with its view of the bundle and the run it has going."""

from dataclasses import dataclass, field
from math import inf
from threading import Event
from typing import Any, NamedTuple

from ui.settings import Wish
from viz.stage import Stage

MOST = 1000  # visitors that are remembered; who comes back later begins anew


class Played(NamedTuple):
    """A run that is over, as far as it takes to measure plain decoding against it."""

    wish: Wish
    asked: float  # when, by the visitor's clock
    name: str
    stage: Stage
    end: Any
    tokens: list[int]


@dataclass(slots=True)
class Visitor:
    """One open tab: its view of the bundle, and the run it has going."""

    bundle: Any = None
    cancelled: Event = field(default_factory=Event)
    idle: Event = field(default_factory=lambda: _set(Event()))  # nothing of his goes on
    unmeasured: Played | None = None  # the last run, where its speed-up was asked for
    settled: Played | None = None  # one that another run has kept from being measured
    spared: Event = field(default_factory=Event)  # ends a measurement and nothing else
    stopped: float = -inf  # by the visitor's clock: what he asked for before does not begin


class Visitors(dict[str, Visitor]):
    """By session; whoever closes his tab is dropped, but not every tab says so."""

    def of(self, session: str) -> Visitor:
        """Known already, or new: the oldest at rest goes then, if there are too many."""
        if session not in self and len(self) >= MOST:
            oldest = next((name for name, each in list(self.items()) if each.idle.is_set()), "")
            self.pop(oldest, None)
        return self.setdefault(session, Visitor())


def _set(event: Event) -> Event:
    event.set()
    return event
