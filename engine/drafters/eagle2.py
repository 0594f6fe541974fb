"""EAGLE-2 (Li et al., 2024, arXiv 2406.16858): EAGLE's head, its tree drawn up by confidence.

Every level the head's most promising nodes are read and get children; in the end the best of
all nodes are verified.  The tree depends on the head's guesses alone, never on a token that was
drawn, so that its nodes are point masses at any temperature.  Where tokens are to be drawn, or
the settings fix the shape, it grows as EAGLE's does.
"""

from collections.abc import Sequence

from engine.config import MAX_NODES, RankPath
from engine.drafters.best_nodes import Candidates
from engine.drafters.children import Children
from engine.drafters.drafter import Proposal, root_only
from engine.drafters.eagle import MAX_RANK, Eagle, children_of, feature_reader
from engine.drafters.head_planner import head_planner
from engine.drafters.order import Order
from engine.heads.feature_reader import FeatureReader
from engine.heads.step_cost import step_cost_of
from engine.level_planner import LevelPlanner
from engine.planner import AUTO_NODES

WIDTH = 10  # nodes of a level that are read, and children of each: the paper's k


class Eagle2(Eagle):
    """Expands by confidence and keeps the best.

    Args:
        tree: of the settings.
    """

    max_depth = 7

    def __init__(
        self,
        reader: FeatureReader,
        planner: LevelPlanner,
        children: Children,
        tree: str | int | tuple[RankPath, ...],
    ) -> None:
        super().__init__(reader, planner, children)
        self.planner, self.tree = planner, tree

    @property
    def is_dynamic(self) -> bool:
        """Whether the tree is drawn up by confidence."""
        return not (self.children.is_drawn or isinstance(self.tree, tuple))

    def propose(self, history: Sequence[int], max_depth: int) -> Proposal:
        """The best nodes of a dynamic tree: as many as asked for, or as pay."""
        if not self.is_dynamic:
            return super().propose(history, max_depth)
        if isinstance(self.tree, int):
            size = min(self.tree, MAX_NODES)
            if not size or not max_depth or not self.reader.can_draft:
                return root_only(history)
            return self._grow(history, max_depth, size).best()
        shape = self.planner.shape(max_depth)
        if len(shape) == 1 or not self.reader.can_draft:
            return root_only(history)
        if len(shape) == 2:  # a trial, or all that can pay
            return self._grow(history, 1, 1).best()
        grown = self._grow(history, max_depth, AUTO_NODES)
        pruned = self.planner.prune(grown.best())
        return pruned if pruned.num_drafted else grown.best(1)  # it is paid for: learn from it

    def _grow(self, history: Sequence[int], max_depth: int, size: int) -> Candidates:
        """Draft level by level as long as another one can change the best nodes."""
        tree, reader = Candidates(history[-1], size), self.reader
        nodes, features, rows = [0], reader.catch_up(history), [reader.root_row]
        max_depth = min(max_depth, size)  # deeper there is none of the best
        for depth in range(1, max_depth + 1):
            self.planner.note_read(len(nodes))
            texts = self.children.sampler.texts(history, tree.tokens, tree.parents, nodes)
            logits = reader.context.logits(features)
            tree.expand(nodes, *self.children.best(logits, texts, min(WIDTH, size)))
            beam = self._beam(tree, depth) if depth < max_depth else []
            if not beam:
                break
            above = [nodes.index(tree.parents[node]) for node in beam]
            tokens, parents = [tree.tokens[node] for node in beam], [rows[i] for i in above]
            nodes, (features, rows) = beam, reader.read(features[above], tokens, parents)
        return tree

    def _beam(self, tree: Candidates, depth: int) -> list[int]:
        """Nodes of the newest level to read; none where a deeper level would not pay."""
        if self.tree != "auto":
            return tree.beam(WIDTH)
        return tree.beam(WIDTH, self.planner.worth_reading(tree.best(), depth))


def build_eagle2(order: Order, kind: type[Eagle2] = Eagle2) -> tuple[LevelPlanner, Eagle2]:
    """The planner and the drafter of one run, which has read the prompt."""
    attached = order.bundle.heads[order.config.method].attached
    cost = step_cost_of(attached) if order.config.tree == "auto" else None
    planner = head_planner(order, cost, 0.0, MAX_RANK, LevelPlanner)
    return planner, kind(feature_reader(order), planner, children_of(order), order.config.tree)
