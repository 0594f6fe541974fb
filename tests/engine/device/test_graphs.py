"""The capture of a step, on a card that only notes what it is asked for."""

from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
import torch

import engine
from engine.device import graphs
from engine.device.graphs import FORGETS, WARM_UPS, Graphs, _CudaCapture


class Card:
    """Stands for ``torch.cuda``: streams by number, and on which of them each call came."""

    def __init__(self):
        self.streams, self.current, self.calls, self.captures = [], "usual", [], []

    def make(self, device):
        self.streams.append(_Stream(device))
        return self.streams[-1]

    @contextmanager
    def stream(self, stream):
        before, self.current = self.current, stream
        yield
        self.current = before

    @contextmanager
    def graph(self, _, pool, stream, mode):
        self.captures.append((stream, mode))
        with self.stream(stream):
            yield


class _Stream:
    def __init__(self, device):
        self.device = device

    def wait_stream(self, _):
        pass


@pytest.fixture
def card(monkeypatch):
    card = Card()
    graphs._capture_stream.cache_clear()
    fakes = dict(
        Stream=card.make, stream=card.stream, graph=card.graph, CUDAGraph=object,
        graph_pool_handle=object, device=lambda _: nullcontext(),
        current_stream=lambda: _Stream(None),
    )  # fmt: skip
    for name, fake in fakes.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    yield card
    graphs._capture_stream.cache_clear()


def test_steps_warm_up_and_are_captured_on_one_stream_of_their_own_card(card):
    """On another card's stream nothing would be captured: a replay would do nothing."""
    for number in (0, 1, 0):
        device = torch.device(f"cuda:{number}")
        _CudaCapture(device)(lambda: card.calls.append(card.current))
    where = [call.device.index for call in card.calls]
    assert where == [0] * (WARM_UPS + 1) + [1] * (WARM_UPS + 1) + [0] * (WARM_UPS + 1)
    assert len(card.streams) == 2  # each keeps a workspace for its products
    assert [mode for _, mode in card.captures] == ["thread_local"] * 3


def test_after_a_failed_capture_none_is_begun_by_graphs_that_are_there_already(card, monkeypatch):
    """A head's graphs beside those of its lane: the allocator may believe that it goes on."""
    monkeypatch.setattr(_CudaCapture, "failed", "")
    monkeypatch.setattr(torch.cuda, "set_stream", lambda _: None, raising=False)
    lane, head = (Graphs(_CudaCapture(torch.device("cuda:0"))) for _ in range(2))

    def fails():
        if card.captures:
            raise RuntimeError("operation not permitted")
        return torch.zeros(1)

    with pytest.raises(RuntimeError, match="not permitted"):
        head.run("once", fails)  # called as it is at last, which fails here too
    begun = len(card.captures)
    lane.run("round", lambda: torch.zeros(1))
    assert begun == len(card.captures) == 1
    assert "not permitted" in lane.trouble


def test_nothing_in_the_engine_waits_for_a_whole_card():
    """Forbidden while another thread captures; a stream can be waited for."""
    for path in (Path(engine.__file__).parent).rglob("*.py"):
        assert "cuda.synchronize" not in path.read_text(), path


def test_what_is_counted_of_steps_that_come_once_is_bounded():
    captured = []

    def capture(step):
        captured.append(step)
        return Replayed(), step()

    lane = Graphs(capture)
    for key in range(3 * FORGETS):
        lane.run(key, lambda: torch.zeros(1), patience=2)
    assert len(lane._asked) <= FORGETS + 1 and not captured
    for _ in range(4):
        lane.run("often", lambda: torch.zeros(1), patience=2)
    assert len(captured) == 1
    eager = Graphs(None)
    for key in range(10):
        eager.run(key, lambda: torch.zeros(1))
    assert not eager._asked


class Replayed:
    """A graph that does nothing."""

    def replay(self):
        pass
