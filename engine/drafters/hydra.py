"""Hydra and Hydra++ (Ankner et al., 2024, arXiv 2402.05109): heads that know the draft so far.

Each node's children come from the head of their level, which reads the tokens on the path down
to the node; the nodes of a level are read together.  The paper's tree is static.  Heads that know
what stands above a node also know how sure they are of what comes below, so that here the tree
is EAGLE-2's dynamic one, unless tokens are to be drawn or the settings fix the shape.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.context import Context
from engine.drafters.best_nodes import Candidates
from engine.drafters.children import Children
from engine.drafters.costs import guess_cost
from engine.drafters.drafter import Proposal, root_only
from engine.drafters.dynamic import Dynamic, Levels, dynamic_of
from engine.drafters.growth import Growth
from engine.drafters.head_planner import children_of, head_planner
from engine.drafters.order import Order
from engine.heads.attached import CHILDREN, Attached
from engine.heads.prefix_reader import PrefixReader
from engine.planning.level_planner import LevelPlanner
from engine.records import CacheStep


class Hydra:
    """Drafts from the state whose law gave the root.

    Args:
        target: the run's own; it has read the prompt but for its last token.
        dynamic: draws up the trees; ``None`` fills planned shapes.
        reader: of Hydra++'s prefix layer.
    """

    def __init__(
        self,
        attached: Attached,
        target: Context,
        planner: LevelPlanner,
        children: Children,
        dynamic: Dynamic | None,
        reader: PrefixReader | None = None,
    ) -> None:
        self.attached, self.target, self.reader = attached, target, reader
        self.planner, self.children, self.dynamic = planner, children, dynamic
        self.max_depth = attached.head.num_heads
        states = target.states(attached.taps[0])
        self.state = None if states is None else states[-1:]  # [1, H]

    @property
    def context(self) -> Context | None:
        """The prefix layer's cache, for the record."""
        return None if self.reader is None else self.reader.context

    def propose(self, history: Sequence[int], max_depth: int) -> Proposal:
        """A tree as wide as planned; the root alone where the text has but one token."""
        max_depth = min(max_depth, self.max_depth)
        if self.state is None:
            return root_only(history)
        if self.dynamic is not None:
            return self.dynamic.propose(history, max_depth, self._levels)
        shape = self.planner.shape(max_depth)
        if len(shape) == 1:
            return root_only(history)
        growth = Growth(history, shape)
        return growth.fill(self._levels(growth), self.children)

    def commit(self, path: Sequence[int]) -> tuple[CacheStep, ...]:
        """Take the states of the path; the prefix layer reads them before it drafts again."""
        states = self.target.states(self.attached.taps[0])[list(path)]
        self.state = states[-1:]
        return () if self.reader is None else self.reader.commit(states)

    def _levels(self, growth: Growth | Candidates) -> Levels:
        state = self.state if self.reader is None else self.reader.read()
        return _Path(self.attached, state, growth).logits


class _Path:
    """What the heads read below each inner node: the state and the words down to the node."""

    def __init__(self, attached: Attached, state: Tensor, growth: Growth | Candidates) -> None:
        self.attached, self.growth, self._rows = attached, growth, state  # [n, (head + 1) * H]

    def logits(self, head: int) -> Tensor:
        """Logits [n, Vd] below each inner node of the tree; [1, Vd] if they read no words."""
        heads, growth = self.attached.head, self.growth
        if heads.grounded:
            tokens = [growth.tokens[node] for node in growth.inner]
            words = self.attached.embed(torch.tensor(tokens, device=self._rows.device))
            self._rows = torch.cat([self._rows[growth.above], words], -1)
        return heads.logits(head, heads.guess(head, self._rows), self.attached.lm_head)


def build_hydra(order: Order) -> tuple[LevelPlanner, Hydra]:
    """The planner and the drafter of one run; a prefix layer has then read the prompt."""
    attached = order.heads.attached
    once, level = guess_cost(order)
    planner = head_planner(
        order,
        level,
        once,
        CHILDREN,
        LevelPlanner,
        catches_up=False,  # one state is enough
    )
    children = children_of(order)
    reader, prefix = None, attached.head.prefix
    if prefix is not None:
        states = order.target.states(attached.taps[0])
        reader = PrefixReader(prefix, states, order.capacity)
    dynamic = dynamic_of(order, planner, children)
    return planner, Hydra(attached, order.target, planner, children, dynamic, reader)
