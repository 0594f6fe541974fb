"""What drafters with heads plan by and choose from: the settings, and what comes with weights."""

from dataclasses import replace

from engine.cost import PassCost
from engine.drafters.children import Children
from engine.drafters.costs import target_cost
from engine.drafters.order import Order
from engine.planning.planner import Planner


def is_drawn(order: Order) -> bool:
    """Whether children are drawn: at temperature 0 a draw is the most probable token anyway."""
    return not order.config.is_greedy and order.config.drafting == "sampled"


def children_of(order: Order) -> Children:
    """What the run's settings choose below a node."""
    attached = order.heads.attached
    return Children(attached.vocab, order.sampler, order.rng if is_drawn(order) else None)


def head_planner(
    order: Order,
    draft: PassCost | None,
    once: float,
    max_rank: int,
    kind: type[Planner] = Planner,
    *,
    catches_up: bool = True,
) -> Planner:
    """The planner of one run of the settings' method.

    Args:
        draft: cost of a level of so many nodes; ``None`` where levels are free.
        once: seconds that drafting anything at all costs in a round.
        max_rank: children a node may have at the most where no tree is given.
        catches_up: see ``Planner``.
    """
    config, heads = order.config, order.heads
    trees = heads.trees.sampled if is_drawn(order) else heads.trees.top
    if isinstance(config.tree, int) and config.tree in trees.by_size:
        config = replace(config, tree=trees.by_size[config.tree])
    chances = trees.chances or heads.trees.top.chances  # drawn children are about as good
    return kind(config, target_cost(order), draft, max_rank, chances, once, catches_up=catches_up)
