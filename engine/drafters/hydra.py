"""Hydra and Hydra++ (Ankner et al., 2024, arXiv 2402.05109): heads that know the draft so far.

Each node's children come from the head of their level, which reads the tokens on the path down
to the node; the nodes of a level are read together.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.context import Context
from engine.drafters.children import Children
from engine.drafters.drafter import Proposal, root_only
from engine.drafters.growth import Growth
from engine.drafters.head_planner import head_planner, is_drawn
from engine.drafters.order import Order
from engine.heads.attached import Attached
from engine.heads.guess_cost import guess_cost_of
from engine.heads.prefix_reader import PrefixReader
from engine.planner import Planner
from engine.records import CacheStep

MAX_RANK = 10  # children a planned node may have


class Hydra:
    """Drafts the planner's shape from the state whose law gave the root.

    Args:
        target: the run's own; it has read the prompt but for its last token.
        reader: of Hydra++'s prefix layer.
    """

    def __init__(
        self,
        attached: Attached,
        target: Context,
        planner: Planner,
        children: Children,
        reader: PrefixReader | None = None,
    ) -> None:
        self.attached, self.target, self.reader = attached, target, reader
        self.planner, self.children = planner, children
        self.max_depth = attached.head.num_heads
        states = target.states(attached.taps[0])
        self.state = None if states is None else states[-1:]  # [1, H]

    @property
    def context(self) -> Context | None:
        """The prefix layer's cache, for the record."""
        return None if self.reader is None else self.reader.context

    def propose(self, history: Sequence[int], max_depth: int) -> Proposal:
        """A tree of the planned shape; the root alone where the text has but one token."""
        shape = self.planner.shape(min(max_depth, self.max_depth))
        if len(shape) == 1 or self.state is None:
            return root_only(history)
        state = self.state if self.reader is None else self.reader.read()
        growth, path = Growth(history, shape), _Path(self.attached, state)
        return growth.fill(lambda head: path.logits(head, growth), self.children)

    def commit(self, path: Sequence[int]) -> tuple[CacheStep, ...]:
        """Take the states of the path; the prefix layer reads them before it drafts again."""
        states = self.target.states(self.attached.taps[0])[list(path)]
        self.state = states[-1:]
        return () if self.reader is None else self.reader.commit(states)


class _Path:
    """What the heads read below each inner node: the state and the words down to the node."""

    def __init__(self, attached: Attached, state: Tensor) -> None:
        self.attached, self._rows = attached, state  # [n, (head + 1) * H]

    def logits(self, head: int, growth: Growth) -> Tensor:
        """Logits [n, Vd] below each inner node of ``growth``; [1, Vd] if they read no words."""
        heads = self.attached.head
        if heads.grounded:
            tokens = [growth.tokens[node] for node in growth.inner]
            words = self.attached.embed(torch.tensor(tokens, device=self._rows.device))
            self._rows = torch.cat([self._rows[growth.above], words], -1)
        return heads.logits(head, heads.guess(head, self._rows), self.attached.speak)


def build_hydra(order: Order) -> tuple[Planner, Hydra]:
    """The planner and the drafter of one run; a prefix layer has then read the prompt."""
    attached = order.bundle.heads[order.config.method].attached
    once, level = guess_cost_of(attached) if order.config.tree == "auto" else (0.0, None)
    planner = head_planner(order, level, once, MAX_RANK, catches_up=False)  # one state is enough
    children = Children(attached, order.sampler, order.rng if is_drawn(order) else None)
    reader, prefix = None, attached.head.prefix
    if prefix is not None:
        states = order.target.states(attached.taps[0])
        reader = PrefixReader(prefix, states, order.capacity)
    return planner, Hydra(attached, order.target, planner, children, reader)
