"""Times work on the device: by replays of a captured graph between events."""

from collections.abc import Callable
from time import perf_counter

import torch

from bench.report import Spread, spread
from kernels.reason import first_line

REPLAYS = 30


def time_on(device: torch.device, work: Callable[[int], object], calls: int = 16) -> Spread:
    """Microseconds of one call; ``work(i)`` is called with 0 to ``calls - 1`` in turn.

    The turns let work go round buffers larger than the caches together.  Without a card the
    same calls are timed by the clock on the wall: a rehearsal, not a measurement.

    Raises:
        SystemExit: a capture failed, and with it whatever this process would time after it.
    """
    if device.type != "cuda":
        return spread([1e6 * _on_the_wall(work, calls) for _ in range(3)])
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # compiles, allocates, warms up
        for turn in range(min(calls, 3)):
            work(turn)
    torch.cuda.current_stream().wait_stream(side)
    graph, current = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
    try:
        with torch.cuda.graph(graph):
            for turn in range(calls):
                work(turn)
    except Exception as error:  # the allocator may believe that it goes on: nothing more is timed
        torch.cuda.set_stream(current)
        raise SystemExit(f"a capture failed: {first_line(error.__context__ or error)}") from error
    graph.replay()
    events = [torch.cuda.Event(enable_timing=True) for _ in range(REPLAYS + 1)]
    events[0].record()
    for event in events[1:]:
        graph.replay()
        event.record()
    torch.cuda.synchronize()
    pairs = zip(events[:-1], events[1:], strict=True)
    return spread([1e3 * before.elapsed_time(after) / calls for before, after in pairs])


def _on_the_wall(work: Callable[[int], object], calls: int) -> float:
    """Seconds of one call."""
    start = perf_counter()
    for turn in range(calls):
        work(turn)
    return (perf_counter() - start) / calls
