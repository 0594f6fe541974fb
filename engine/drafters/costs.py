"""What planning counts with: seconds of the passes as the run's own loop plays them.

On a card a pass is replayed, which takes a fraction of what the host needs to launch it.  The
target's rounds and a draft model's passes are timed so; of heads it is taken that they gain by
it what the target gains.
"""

from contextlib import suppress

from engine.bundle import Bundle
from engine.config import DecodeConfig
from engine.cost import cost_of
from engine.device.context import StaticContext
from engine.device.round_cost import known_read_cost_of, known_round_cost_of
from engine.drafters.order import Order
from engine.heads.draft_cost import measure_heads
from engine.heads.guess_cost import GuessCost, guess_cost_of
from engine.heads.step_cost import step_cost_of
from engine.no_room import NoRoomError
from engine.pass_cost import PassCost

DRAFT_METHODS = ("draft", "draft_tree")  # those that ask the draft model


def learn_costs(bundle: Bundle, config: DecodeConfig) -> None:
    """Measure what a run will plan with, where this process has not yet: no part of the run.

    Where memory lacks for that, it is the run's own caches that are to say so.
    """
    if not config.is_planned or config.method == "plain":
        return
    with suppress(NoRoomError):
        cost_of(bundle.target)
        if config.method in DRAFT_METHODS and bundle.draft is not None:
            cost_of(bundle.draft)
        if (heads := bundle.heads.get(config.method)) is not None:
            measure_heads(heads.attached)


def target_cost(order: Order) -> PassCost | None:
    """Of the target's pass; ``None`` where the settings ask for no plan, as below."""
    if not order.config.is_planned:
        return None
    return _replayed(order) or cost_of(order.bundle.target)


def draft_cost(order: Order) -> PassCost | None:
    """Of the draft model's."""
    if not order.config.is_planned:
        return None
    model = order.bundle.draft
    known = known_read_cost_of(model) if _replayed(order) else None
    return known or cost_of(model).times(_gain(order))


def level_cost(order: Order) -> PassCost | None:
    """Of a level that a feature head drafts."""
    if not order.config.is_planned:
        return None
    attached = order.heads.attached
    return step_cost_of(attached).times(_gain(order))


def guess_cost(order: Order) -> GuessCost:
    """Of what Medusa's or Hydra's heads guess; nothing where the settings ask for no plan."""
    if not order.config.is_planned:
        return GuessCost(0.0, None)
    attached, gain = order.heads.attached, _gain(order)
    once, level = guess_cost_of(attached)
    return GuessCost(once * gain, level and level.times(gain))


def _replayed(order: Order) -> PassCost | None:
    """Of the target's round, where it is replayed and was timed."""
    is_static = isinstance(order.target, StaticContext)
    return known_round_cost_of(order.bundle.target) if is_static else None


def _gain(order: Order) -> float:
    """What a replayed pass takes of one that is launched by the host."""
    replayed = _replayed(order)
    return replayed(1) / cost_of(order.bundle.target)(1) if replayed else 1.0
