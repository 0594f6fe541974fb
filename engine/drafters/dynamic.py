"""Dynamic trees: what heads are sure of is drafted, as EAGLE-2 does it (arXiv 2406.16858).

Every level the most promising nodes are read and get children; in the end the best of all
nodes are verified.  The tree depends on the heads' guesses alone, never on a token that was
drawn, so that its nodes are point masses at any temperature.
"""

from collections.abc import Callable, Sequence

from torch import Tensor

from engine.drafters.best_nodes import Candidates
from engine.drafters.children import Children
from engine.drafters.drafter import Proposal, root_only
from engine.drafters.order import Order
from engine.planning.level_planner import LevelPlanner
from engine.planning.planner import AUTO_NODES

WIDTH = 10  # nodes of a level that are read, and children of each: the paper's k

Levels = Callable[[int], Tensor]  # of 0, 1 ...: logits [n, Vd] below each of the tree's ``inner``


class Dynamic:
    """Draws up the trees of one run.

    Args:
        tree: of the settings: a number of nodes, or ``"auto"``.
    """

    def __init__(self, planner: LevelPlanner, children: Children, tree: str | int) -> None:
        self.planner, self.children, self.tree = planner, children, tree

    def propose(
        self, history: Sequence[int], max_depth: int, levels_of: Callable[[Candidates], Levels]
    ) -> Proposal:
        """The best nodes of a tree: as many as asked for, or as pay.

        Args:
            levels_of: reads a tree that grows; asked only where something is drafted.
        """
        if isinstance(self.tree, int):
            size = self.tree
            if not size or not max_depth:
                return root_only(history)
            return self._grow(history, max_depth, size, levels_of).best()
        shape = self.planner.shape(max_depth)
        if len(shape) == 1:
            return root_only(history)
        if len(shape) == 2:  # a trial, or all that can pay
            return self._grow(history, 1, 1, levels_of).best()
        grown = self._grow(history, max_depth, AUTO_NODES, levels_of)
        pruned = self.planner.prune(grown.best())
        return pruned if pruned.num_drafted else grown.best(1)  # it is paid for: learn from it

    def _grow(
        self,
        history: Sequence[int],
        max_depth: int,
        size: int,
        levels_of: Callable[[Candidates], Levels],
    ) -> Candidates:
        """Draft level by level as long as another one can change the best nodes."""
        tree = Candidates(history, size)
        logits = levels_of(tree)
        max_depth = min(max_depth, size)  # deeper there is none of the best
        for depth in range(1, max_depth + 1):
            self.planner.budget.note_read(len(tree.inner))
            texts = self.children.sampler.texts(history, tree.tokens, tree.parents, tree.inner)
            tree.expand(*self.children.best(logits(depth - 1), texts, min(WIDTH, size)))
            if depth == max_depth or not tree.go_on(self._beam(tree, depth)):
                break
        return tree

    def _beam(self, tree: Candidates, depth: int) -> list[int]:
        """Nodes of the newest level to read; none where a deeper level would not pay."""
        if isinstance(self.tree, int):
            return tree.beam(WIDTH)
        return tree.beam(WIDTH, self.planner.worth_reading(tree.best(), depth))


def dynamic_of(order: Order, planner: LevelPlanner, children: Children) -> Dynamic | None:
    """``None`` where the tree is not the heads' to choose: tokens are drawn, or a shape is set."""
    tree = order.config.tree
    is_fixed = children.is_drawn or isinstance(tree, tuple)
    return None if is_fixed else Dynamic(planner, children, tree)
