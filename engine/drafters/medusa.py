"""Medusa (Cai et al., 2024, arXiv 2401.10774): independent heads, one level of a tree each.

Every head guesses from the same state, so that all nodes of a level have the same candidates,
whatever stands above them.
"""

from collections.abc import Sequence

from torch import Tensor

from engine.context import Context
from engine.drafters.children import Children
from engine.drafters.costs import guess_cost
from engine.drafters.drafter import Proposal, root_only
from engine.drafters.growth import Growth
from engine.drafters.head_planner import children_of, head_planner
from engine.drafters.order import Order
from engine.heads.attached import CHILDREN, Attached
from engine.planning.planner import Planner
from engine.records import CacheStep


class Medusa:
    """Drafts the planner's shape from the state whose law gave the root.

    Args:
        target: the run's own; it has read the prompt but for its last token.
    """

    def __init__(
        self, attached: Attached, target: Context, planner: Planner, children: Children
    ) -> None:
        self.attached, self.target = attached, target
        self.planner, self.children = planner, children
        self.max_depth = attached.head.num_heads
        states = target.states(attached.taps[0])
        self.state = None if states is None else states[-1:]  # [1, H]

    def propose(self, history: Sequence[int], max_depth: int) -> Proposal:
        """A tree of the planned shape; the root alone where the text has but one token."""
        shape = self.planner.shape(min(max_depth, self.max_depth))
        if len(shape) == 1 or self.state is None:
            return root_only(history)
        logits = self._guess(self.state, max(shape.depth))
        return Growth(history, shape).fill(lambda head: logits[head : head + 1], self.children)

    def commit(self, path: Sequence[int]) -> tuple[CacheStep, ...]:
        """Take the state behind the path; heads keep nothing."""
        self.state = self.target.states(self.attached.taps[0])[path[-1]][None]
        return ()

    def _guess(self, state: Tensor, heads: int) -> Tensor:
        """Logits [heads, Vd] of the first heads, whose output layer is asked once for all."""
        head = self.attached.head
        return head.logits(head(state)[0, :heads], self.attached.lm_head)


def build_medusa(order: Order) -> tuple[Planner, Medusa]:
    """The planner and the drafter of one run."""
    attached = order.heads.attached
    once = guess_cost(order).once
    planner = head_planner(order, None, once, CHILDREN)
    return planner, Medusa(attached, order.target, planner, children_of(order))
