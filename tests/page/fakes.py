"""A decoder that plays made-up rounds at a given pace, and remembers what became of its runs."""

from collections.abc import Iterator
from time import monotonic, sleep
from types import SimpleNamespace

from engine.cut_short import StoppedError
from engine.no_room import NoRoomError
from engine.records import Round
from engine.run_facts import End, Yardstick
from tests.page import synthetic

BROKEN = "CUDA error: an illegal memory access was encountered"
NO_ROOM = "Memory gave out in a round. Fewer new tokens would take less."


class FakeRun:
    """As ``engine.decoding.Run``: an iterator with a header now and an end later."""

    room = 10**6  # rounds until memory gives out
    breaks = 10**6  # … and until a library breaks

    def __init__(self, prompt, config, count, nodes, delay):
        self.header, self.config = (
            synthetic.header(prompt, config.method, config.temperature),
            config,
        )
        self.end = None
        self.closed_after = None  # rounds
        self._count, self._delay, self._made, self._tokens = count, delay, 0, 0
        self._rounds = synthetic.rounds(count, nodes, seed=config.seed)

    def __iter__(self) -> Iterator[Round]:
        return self

    def __next__(self) -> Round:
        if self._made == self.room:
            self._finish()
            raise NoRoomError(NO_ROOM)
        if self._made == self.breaks:
            raise RuntimeError(BROKEN)
        if (this := next(self._rounds, None)) is None:
            self._finish()
            raise StopIteration
        sleep(self._delay)
        self._made += 1
        self._tokens += len(this.emitted)
        return this

    def close(self):
        if self.closed_after is None:
            self.closed_after = self._made
            self._finish()

    def _finish(self):
        if self.end is None:
            cut = "memory" if self._made == self.room else "cancelled"
            reason = "length" if self._made == self._count else cut
            self.end = End(reason, self._made, self._tokens, 0.064 * self._made)


class FakeDecoder:
    """As the module ``engine``, for the runner: ``count`` rounds, ``delay`` seconds each."""

    reading = staticmethod(lambda is_cancelled: None)  # what happens while a prompt is read
    measuring = 0.0  # seconds that plain decoding takes, where nobody cuts it short

    def __init__(self, count=12, nodes=8, delay=0.0, room=FakeRun.room):
        self.count, self.nodes, self.delay, self.room = count, nodes, delay, room
        self.breaks = FakeRun.breaks
        self.runs = []

    def decode(self, bundle, prompt, config, is_cancelled=lambda: False):
        self.reading(is_cancelled)
        if is_cancelled():
            raise StoppedError
        self.runs.append(FakeRun(prompt, config, self.count, self.nodes, self.delay))
        self.runs[-1].room, self.runs[-1].breaks = self.room, self.breaks
        return self.runs[-1]

    def measure_plain(self, bundle, prompt, config, tokens, is_cancelled):
        end = monotonic() + self.measuring
        while monotonic() < end and not is_cancelled():
            sleep(0.01)
        return None if is_cancelled() else Yardstick(len(tokens), 0.05 * len(tokens), len(tokens))


def bundle():
    """What the runner asks of a bundle; every visitor gets one of his own."""
    return SimpleNamespace(
        source="somewhere/Tiny",
        methods={
            "plain": "available",
            "suffix": "available",
            "lookup": "available",
            "draft": "it needs a draft model with the same vocabulary.",
        },
        for_visitor=bundle,
    )
