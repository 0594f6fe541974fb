"""The capture of a step, on a card that only notes what it is asked for."""

from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
import torch

import engine
from engine.device import capture
from engine.device.capture import WARM_UPS, CudaCapture
from engine.device.graphs import FORGETS, Graphs


class Card:
    """Stands for ``torch.cuda``: streams by number, and on which of them each call came."""

    def __init__(self):
        self.streams, self.current, self.calls, self.captures = [], "usual", [], []
        self.told = []  # what was asked for, in order

    def make(self, device):
        self.streams.append(_Stream(device))
        return self.streams[-1]

    def usual(self):
        return _Stream(None, self.told)

    @contextmanager
    def stream(self, stream):
        before, self.current = self.current, stream
        yield
        self.current = before

    @contextmanager
    def graph(self, _, pool, stream, mode):
        self.captures.append((stream, mode))
        self.told.append("begin")
        with self.stream(stream):
            yield
        self.told.append("end")


class _Stream:
    def __init__(self, device, told=None):
        self.device, self.told = device, [] if told is None else told

    def wait_stream(self, other):
        self.told.append(f"wait for {other.device}")


@pytest.fixture
def card(monkeypatch):
    card = Card()
    capture._capture_stream.cache_clear()
    fakes = dict(
        Stream=card.make, stream=card.stream, graph=card.graph, CUDAGraph=object,
        graph_pool_handle=object, device=lambda _: nullcontext(),
        current_stream=card.usual,
    )  # fmt: skip
    for name, fake in fakes.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    clears = lambda: card.told.append("workspaces cleared")  # noqa: E731
    monkeypatch.setattr(torch._C, "_cuda_clearCublasWorkspaces", clears, raising=False)
    yield card
    capture._capture_stream.cache_clear()


def test_steps_warm_up_and_are_captured_on_one_stream_of_their_own_card(card):
    """On another card's stream nothing would be captured: a replay would do nothing."""
    for number in (0, 1, 0):
        device = torch.device(f"cuda:{number}")
        CudaCapture(device)(lambda: card.calls.append(card.current))
    where = [call.device.index for call in card.calls]
    assert where == [0] * (WARM_UPS + 1) + [1] * (WARM_UPS + 1) + [0] * (WARM_UPS + 1)
    assert len(card.streams) == 2  # graphs of one stream take turns with memory
    assert [mode for _, mode in card.captures] == ["thread_local"] * 3


def test_after_a_failed_capture_none_is_begun_by_graphs_that_are_there_already(card, monkeypatch):
    """A head's graphs beside those of its lane: the allocator may believe that it goes on."""
    monkeypatch.setattr(CudaCapture, "failed", "")
    monkeypatch.setattr(torch.cuda, "set_stream", lambda _: None, raising=False)
    lane, head = (Graphs(CudaCapture(torch.device("cuda:0"))) for _ in range(2))

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


def test_a_graph_has_a_workspace_for_its_products_in_memory_of_its_own(card):
    """One that others have too may be freed with them, or written to while it is replayed."""
    CudaCapture(torch.device("cuda:0"))(lambda: card.told.append("step"))
    captured = ["workspaces cleared", "begin", "step", "end", "workspaces cleared"]
    assert card.told == ["step"] * WARM_UPS + ["wait for cuda:0", *captured]


def test_a_step_that_fails_while_it_warms_up_is_over_before_it_is_called_again(card):
    """Its kernels and those of the call would write to the same slots at one time."""

    def fails():
        card.told.append("step")
        if card.told == ["step"]:
            raise torch.OutOfMemoryError("CUDA out of memory")

    Graphs(CudaCapture(torch.device("cuda:0"))).run("round", fails)
    assert card.told == ["step", "wait for cuda:0", "step"]


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
