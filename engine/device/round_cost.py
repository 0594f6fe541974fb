"""Measures what a round's step costs on the device: played as runs play it, replays and all.

A pass timed in the ordinary loop is another one: there the host launches every kernel anew.
"""

from collections.abc import Sequence
from itertools import pairwise
from time import perf_counter
from weakref import WeakKeyDictionary

import torch
from transformers import PreTrainedModel

from engine.attention.probing import probe_of
from engine.config import MAX_NODES, DecodeConfig
from engine.cost import CONTEXT, measure
from engine.device.context import StaticContext
from engine.device.lane import Lane
from engine.device.rounds import StaticRounds
from engine.device.tree_buffers import SIZES
from engine.drafters.drafter import Proposal
from engine.pass_cost import PassCost
from engine.sampling import Sampler

LARGEST = 72  # nodes; a tree of 64 and its root
ROOMY = 2048  # slots: the lane is to serve the first runs, whatever they ask for

_measured: "WeakKeyDictionary[PreTrainedModel, PassCost]" = WeakKeyDictionary()
_reads: "WeakKeyDictionary[PreTrainedModel, PassCost]" = WeakKeyDictionary()


def known_round_cost_of(model: PreTrainedModel) -> PassCost | None:
    """Seconds of a step by the nodes of its tree, if it was measured in this process."""
    return _measured.get(model)


def measure_rounds(model: PreTrainedModel, end_ids: Sequence[int]) -> Lane:
    """Time steps of plain decoding's kind at every captured size, in a lane that runs may have.

    Args:
        model: one that attends by trees, whatever the positions.

    Raises:
        NoRoomError: memory does not hold the lane.
        RuntimeError: whatever else a device says.
    """
    text = [0] * (CONTEXT + 1)
    lane = Lane(model, max(ROOMY, len(text) + MAX_NODES))
    lane.begin(text)
    target = StaticContext(model, lane.cache, lane.states)
    target.probe = probe_of(model)  # as runs have it: they replay what is captured here
    with torch.inference_mode():
        target.prefill(text[:-1])
        told = (Sampler(DecodeConfig()), text, torch.Generator(), end_ids)
        rounds = StaticRounds(lane, target, *told)
        cost = measure(lambda size: _time(rounds, text, size), _sizes())
    _measured[model] = _stepped(cost)
    return lane


def known_read_cost_of(model: PreTrainedModel) -> PassCost | None:
    """Seconds of a draft model's pass, if it was measured in this process."""
    return _reads.get(model)


def measure_reads(model: PreTrainedModel) -> None:
    """Time a draft model's passes at every captured size, as its drafting replays them.

    Args, Raises: as ``measure_rounds``.
    """
    lane = Lane(model, CONTEXT + MAX_NODES, "calibration")
    context = StaticContext(model, lane.cache, lane.states)
    with torch.inference_mode():
        context.prefill([0] * CONTEXT)
        _reads[model] = _stepped(measure(lambda size: _time_read(lane, context, size), _sizes()))


def _sizes() -> list[int]:
    return [size for size in SIZES if size <= LARGEST]


def _time_read(lane: Lane, context: StaticContext, size: int) -> float:
    """Seconds of one pass over a chain of ``size`` nodes."""
    start, tree = perf_counter(), lane.tree(size)
    tree.fill([0] * size, range(-1, size - 1), context.committed, [0])
    tree.send()
    logits = lane.graphs.run(size, lambda: context.read(tree))
    float(logits[-1, 0])  # waits for the device
    seconds = perf_counter() - start
    context.settle(size, [])
    return seconds


def _time(rounds: StaticRounds, text: Sequence[int], size: int) -> float:
    """Seconds of one round over a chain of ``size`` nodes, nothing of which is kept."""
    chain = Proposal((0,) * size, tuple(range(-1, size - 1)), (0,) * size, (None,) * size)
    start = perf_counter()
    rounds.play(chain, text)  # waits for what the device tells
    seconds = perf_counter() - start
    rounds.settle(chain, [])
    return seconds


def _stepped(cost: PassCost) -> PassCost:
    """A tree between two sizes costs what the larger does: it is padded to it."""
    points = {1: cost.seconds[0]}
    for (smaller, _), (size, seconds) in pairwise(zip(cost.nodes, cost.seconds, strict=True)):
        points |= {smaller + 1: seconds, size: seconds}
    return PassCost(tuple(points), tuple(points.values()))
