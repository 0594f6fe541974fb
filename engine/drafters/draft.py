"""A smaller causal model of the same vocabulary drafts: a chain, or a tree.

Above temperature 0 the children of a node are drawn one after another without replacement
from the draft's law, as recursive rejection needs (Chen et al., 2024, "Sequoia").  At
temperature 0 they are the draft's most probable tokens, judged as point masses.
"""

from collections.abc import Sequence

from torch import Tensor

from engine.context import Context
from engine.drafters.children import Children
from engine.drafters.drafter import Proposal, root_only
from engine.drafters.growth import Growth
from engine.planning.planner import Planner
from engine.records import CacheStep


class Draft:
    """Grows the planner's shape level by level with a draft model."""

    max_depth = 6

    def __init__(self, context: Context, planner: Planner, children: Children) -> None:
        self.context, self.planner, self.children = context, planner, children
        self._rows: dict[int, int] = {}  # node -> row of this round in the draft's cache
        self._caught_up = 0  # rows that only catch up with the committed text, the root's last

    def propose(self, history: Sequence[int], max_depth: int) -> Proposal:
        """A tree of the planned shape (smaller where the draft's law runs out of tokens)."""
        shape = self.planner.shape(self.depth_left(history, max_depth))
        self._rows, self._caught_up = {}, 0
        if len(shape) == 1:
            return root_only(history)
        growth = Growth(history, shape)
        return growth.fill(lambda level: self._logits(growth, level), self.children)

    def depth_left(self, history: Sequence[int], max_depth: int) -> int:
        """``max_depth``, or what the model's own context leaves of it: it may be the shorter."""
        return max(0, min(max_depth, self.context.length_limit - len(history)))

    def commit(self, path: Sequence[int]) -> tuple[CacheStep, ...]:
        """Keep the root's row and those accepted nodes that were read: the inner ones."""
        if not self._caught_up:
            return ()  # the model did not run: it catches up in a later round
        kept = [self._rows[node] for node in path[1:] if node in self._rows]
        return (self.context.commit([*range(self._caught_up), *kept]),)

    def _logits(self, growth: Growth, level: int) -> Tensor:
        """[n, V] below each of the tree's inner nodes, the root's at level 0."""
        if level == 0:
            return self._catch_up(growth.history)
        first = self._caught_up + len(self._rows) - 1
        parents = [self._rows[growth.parents[node]] for node in growth.inner]
        self._rows |= {node: first + place for place, node in enumerate(growth.inner)}
        return self.context.extend([growth.tokens[node] for node in growth.inner], parents)

    def _catch_up(self, history: Sequence[int]) -> Tensor:
        """Read what was committed since the last draft; logits [1, V] behind the root."""
        missing = history[self.context.committed :]
        self._caught_up = len(missing)
        self._rows[0] = len(missing) - 1
        return self.context.catch_up(missing)
