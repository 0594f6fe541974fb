"""From a method's name to its drafter: the one place that knows all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from engine.bundle import Bundle
from engine.config import DecodeConfig
from engine.context import Context
from engine.cost import PassCost, cost_of
from engine.drafters.draft import Draft
from engine.drafters.drafter import Drafter
from engine.drafters.lookup import Lookup
from engine.drafters.plain import Plain
from engine.drafters.suffix import Suffix
from engine.planner import Planner
from engine.sampling import Sampler

TREE_RANKS = 4  # children of one node that ``draft_tree`` draws at the most


@dataclass(frozen=True, slots=True)
class Order:
    """What a drafter is built from."""

    bundle: Bundle
    config: DecodeConfig
    sampler: Sampler
    rng: torch.Generator
    prompt: Sequence[int]
    capacity: int  # slots a cache of this run needs


def build_drafter(order: Order) -> tuple[Planner, Drafter]:
    """The planner and the drafter of one run, both having read the prompt.

    Raises:
        ValueError: the method is unknown, or not available with these models.
    """
    method, bundle = order.config.method, order.bundle
    state = bundle.methods.get(method)
    if state is None:
        raise ValueError(f"There is no method {method!r}; there are {', '.join(bundle.methods)}.")
    if state != "available":
        raise ValueError(f"Method {method!r} is not available: it {state}.")
    return _BUILDERS[method](order)


def _plain(order: Order) -> tuple[Planner, Drafter]:
    return Planner(order.config), Plain()


def _lookup(order: Order) -> tuple[Planner, Drafter]:
    planner = Planner(order.config, _cost(order, order.bundle.target))
    return planner, Lookup(planner)


def _suffix(order: Order) -> tuple[Planner, Drafter]:
    planner = Planner(order.config, _cost(order, order.bundle.target))
    return planner, Suffix(planner, order.bundle.memory)


def _draft(order: Order, max_rank: int = 1) -> tuple[Planner, Drafter]:
    model = order.bundle.draft
    costs = _cost(order, order.bundle.target), _cost(order, model)
    planner = Planner(order.config, *costs, max_rank=max_rank)
    context = Context(model, order.capacity, "draft")
    context.prefill(order.prompt[:-1])
    return planner, Draft(context, planner, order.sampler, order.rng)


def _draft_tree(order: Order) -> tuple[Planner, Drafter]:
    return _draft(order, TREE_RANKS)


def _cost(order: Order, model: torch.nn.Module) -> PassCost | None:
    """Calibrated only where the settings ask for a plan."""
    return cost_of(model) if order.config.tree == "auto" else None


_BUILDERS = {
    "plain": _plain,
    "lookup": _lookup,
    "suffix": _suffix,
    "draft": _draft,
    "draft_tree": _draft_tree,
}
