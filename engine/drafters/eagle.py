"""EAGLE (Li et al., 2024, arXiv 2401.15077): a layer that goes on from the target's features.

The head predicts the feature behind every token it drafts, and feeds on its own predictions
down the tree, whose shape is planned beforehand.
"""

from collections.abc import Sequence

from torch import Tensor

from engine.drafters.best_nodes import Candidates
from engine.drafters.children import Children
from engine.drafters.costs import level_cost
from engine.drafters.drafter import Proposal, root_only
from engine.drafters.growth import Growth
from engine.drafters.head_planner import children_of, head_planner
from engine.drafters.order import Order
from engine.heads.attached import CHILDREN
from engine.heads.feature_reader import FeatureReader
from engine.heads.head_context import HeadContext
from engine.planning.planner import Planner
from engine.records import CacheStep


class Eagle:
    """Grows the planner's shape level by level."""

    max_depth = 6

    def __init__(self, reader: FeatureReader, planner: Planner, children: Children) -> None:
        self.reader, self.planner, self.children = reader, planner, children

    @property
    def context(self) -> HeadContext:
        """The layer's cache, for the record."""
        return self.reader.context

    def propose(self, history: Sequence[int], max_depth: int) -> Proposal:
        """A tree of the planned shape (smaller where the head's law runs out of tokens)."""
        shape = self.planner.shape(max_depth)
        if len(shape) == 1 or not self.reader.can_draft:
            return root_only(history)
        growth = Growth(history, shape)
        steps = Steps(self.reader, growth)
        return growth.fill(steps.logits, self.children)

    def commit(self, path: Sequence[int]) -> tuple[CacheStep, ...]:
        """Keep what was read of the committed text; drafted rows are forgotten."""
        return self.reader.commit(path)


class Steps:
    """Reads a tree's inner nodes level by level."""

    def __init__(self, reader: FeatureReader, growth: Growth | Candidates) -> None:
        self.reader, self.growth = reader, growth
        self._features: Tensor | None = None  # [n, H] behind each of the nodes read last
        self._rows: list[int] = []  # of them

    def logits(self, level: int) -> Tensor:
        """[n, Vd] below each of the tree's inner nodes, the root's at level 0."""
        growth, reader = self.growth, self.reader
        if level == 0:
            self._features, self._rows = reader.catch_up(growth.history), [reader.root_row]
        else:
            tokens = [growth.tokens[node] for node in growth.inner]
            parents = [self._rows[place] for place in growth.above]
            self._features, self._rows = reader.read(self._features[growth.above], tokens, parents)
        return reader.context.logits(self._features)


def build_eagle(order: Order) -> tuple[Planner, Eagle]:
    """The planner and the drafter of one run, which has read the prompt."""
    planner = head_planner(order, level_cost(order), 0.0, CHILDREN)
    return planner, Eagle(feature_reader(order), planner, children_of(order))


def feature_reader(order: Order, rows: int = 0) -> FeatureReader:
    """The reader of one run's head.

    Args:
        rows: that a round may read beyond the nodes that are verified.
    """
    attached = order.heads.attached
    return FeatureReader(attached, order.target, order.prompt, order.capacity + rows)
