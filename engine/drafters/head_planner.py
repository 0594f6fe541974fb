"""What trained drafters plan by and choose from: the settings, and what comes with weights."""

from dataclasses import replace

from engine.config import DecodeConfig
from engine.cost import PassCost
from engine.drafters.children import Children
from engine.drafters.costs import target_cost
from engine.drafters.order import Order
from engine.heads.trees import TreeFile, Trees
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
    config, trees = fitted(order.config, order.heads.trees, drawn=is_drawn(order))
    target = target_cost(order)
    return kind(config, target, draft, max_rank, trees.chances, once, catches_up=catches_up)


def fitted(config: DecodeConfig, file: TreeFile, *, drawn: bool) -> tuple[DecodeConfig, Trees]:
    """The settings with the tree of that size, where one was picked, and what was measured.

    Args:
        drawn: children are drawn, not the most probable ones.
    """
    trees = file.sampled if drawn else file.top
    if isinstance(config.tree, int) and config.tree in trees.by_size:
        config = replace(config, tree=trees.by_size[config.tree])
    chances = trees.chances or file.top.chances  # drawn children are about as good
    return config, replace(trees, chances=chances)
