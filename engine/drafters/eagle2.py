"""EAGLE-2 (Li et al., 2024, arXiv 2406.16858): EAGLE's head, its tree drawn up by confidence.

Where tokens are to be drawn, or the settings fix the shape, it grows as EAGLE's does.
"""

from collections.abc import Sequence

from engine.drafters.best_nodes import Candidates
from engine.drafters.children import Children
from engine.drafters.costs import level_cost
from engine.drafters.drafter import Proposal, root_only
from engine.drafters.dynamic import WIDTH, Dynamic, Levels, dynamic_of
from engine.drafters.eagle import Eagle, Steps, feature_reader
from engine.drafters.head_planner import children_of, head_planner
from engine.drafters.order import Order
from engine.heads.attached import CHILDREN
from engine.heads.feature_reader import FeatureReader
from engine.planning.level_planner import LevelPlanner


class Eagle2(Eagle):
    """Expands by confidence and keeps the best.

    Args:
        dynamic: draws up the trees; ``None`` grows planned shapes.
    """

    max_depth = 7

    def __init__(
        self,
        reader: FeatureReader,
        planner: LevelPlanner,
        children: Children,
        dynamic: Dynamic | None,
    ) -> None:
        super().__init__(reader, planner, children)
        self.dynamic = dynamic

    def propose(self, history: Sequence[int], max_depth: int) -> Proposal:
        """The best nodes of a dynamic tree: as many as asked for, or as pay."""
        if self.dynamic is None:
            return super().propose(history, max_depth)
        if not self.reader.can_draft:
            return root_only(history)
        return self.dynamic.propose(history, max_depth, self._levels)

    def _levels(self, tree: Candidates) -> Levels:
        return Steps(self.reader, tree).logits


def build_eagle2(order: Order, kind: type[Eagle2] = Eagle2) -> tuple[LevelPlanner, Eagle2]:
    """The planner and the drafter of one run, which has read the prompt."""
    planner = head_planner(order, level_cost(order), 0.0, CHILDREN, LevelPlanner)
    children = children_of(order)
    dynamic = dynamic_of(order, planner, children)
    # a node that was read may fall out of the best: the tree's size does not bound what is read
    rows = WIDTH * (order.config.num_draft or kind.max_depth) if dynamic else 0
    return planner, kind(feature_reader(order, rows), planner, children, dynamic)
