"""A smaller causal model of the same vocabulary drafts: a chain, or a tree.

Above temperature 0 the children of a node are drawn one after another without replacement
from the draft's law, as recursive rejection needs (Chen et al., 2024, "Sequoia").  At
temperature 0 they are the draft's most probable tokens, judged as point masses.
"""

from collections.abc import Sequence

import torch

from engine.context import Context
from engine.drafters.drafter import Proposal, root_only
from engine.planning.planner import Planner
from engine.records import CacheStep
from engine.sampling import Sampler, draw_distinct
from engine.tree import Shape


class Draft:
    """Grows the planner's shape level by level with a draft model."""

    max_depth = 6

    def __init__(
        self, context: Context, planner: Planner, sampler: Sampler, rng: torch.Generator
    ) -> None:
        self.context, self.planner, self.sampler, self.rng = context, planner, sampler, rng
        self._rows: dict[int, int] = {}  # node -> row of this round in the draft's cache
        self._caught_up = 0  # rows that only catch up with the committed text, the root's last

    def propose(self, history: Sequence[int], max_depth: int) -> Proposal:
        """A tree of the planned shape (smaller where the draft's law runs out of tokens)."""
        shape = self.planner.shape(self.depth_left(history, max_depth))
        self._rows, self._caught_up = {}, 0
        if len(shape) == 1:
            return root_only(history)
        growth = _Growth(history, self.sampler.config.is_greedy)
        logits = self._catch_up(history)
        for level in shape.levels()[1:]:
            self._draft_children(growth, shape, level, logits)
            if not growth.fresh:
                break
            if max(shape.depth) > shape.depth[level[0]]:
                logits = self._read(growth)
        return growth.proposal()

    def depth_left(self, history: Sequence[int], max_depth: int) -> int:
        """``max_depth``, or what the model's own context leaves of it: it may be the shorter."""
        return max(0, min(max_depth, self.context.length_limit - len(history)))

    def commit(self, path: Sequence[int]) -> tuple[CacheStep, ...]:
        """Keep the root's row and those accepted nodes that were read: not the last level's."""
        if not self._caught_up:
            return ()  # the model did not run: it catches up in a later round
        kept = [self._rows[node] for node in path[1:] if node in self._rows]
        return (self.context.commit([*range(self._caught_up), *kept]),)

    def _catch_up(self, history: Sequence[int]) -> torch.Tensor:
        """Read what was committed since the last draft; logits [1, V] behind the root."""
        missing = history[self.context.committed :]
        self._caught_up = len(missing)
        self._rows[0] = len(missing) - 1
        return self.context.extend(missing, range(-1, len(missing) - 1), last_only=True)

    def _read(self, growth: "_Growth") -> torch.Tensor:
        """Run the draft over the newest nodes: logits [n, V]."""
        start = self._caught_up + len(self._rows) - 1
        parents = [self._rows[growth.parents[node]] for node in growth.fresh]
        self._rows |= {node: start + i for i, node in enumerate(growth.fresh)}
        return self.context.extend([growth.tokens[node] for node in growth.fresh], parents)

    def _draft_children(
        self, growth: "_Growth", shape: Shape, level: Sequence[int], logits: torch.Tensor
    ) -> None:
        """Draft ``level`` of ``shape`` below the newest nodes, whose logits [n, V] are given."""
        parents = growth.fresh
        logits = logits.nan_to_num()  # what overflowed: any law will do to draft from, but a law
        texts = self.sampler.texts(growth.history, growth.tokens, growth.parents, parents)
        if growth.is_greedy:  # the draft's confidence, not the one-hot law it is judged by
            laws = self.sampler.scores(logits, texts).softmax(-1)
        else:
            laws = self.sampler.laws(logits, texts)
        wanted: dict[int, int] = {}
        for node in level:
            wanted[shape.parent[node]] = wanted.get(shape.parent[node], 0) + 1
        fresh: list[int] = []
        for parent, law in zip(parents, laws, strict=True):
            count = wanted.get(growth.slots[parent], 0)
            growth.laws[parent] = law
            fresh += growth.add(parent, shape, self._choose(law, count))
        growth.fresh = fresh

    def _choose(self, law: torch.Tensor, count: int) -> list[tuple[int, float]]:
        """(token, the draft's probability) of ``count`` children, in the order they are tested."""
        if count == 0:
            return []
        if self.sampler.config.is_greedy:
            top = law.topk(min(count, len(law)))
            return list(zip(top.indices.tolist(), top.values.tolist(), strict=True))
        uniforms = torch.rand(count, generator=self.rng, dtype=torch.float64).tolist()
        tokens = draw_distinct(law, uniforms)
        return list(zip(tokens, law[tokens].tolist(), strict=True))


class _Growth:
    """A tree on its way from shape to proposal."""

    def __init__(self, history: Sequence[int], is_greedy: bool) -> None:
        self.history, self.is_greedy = history, is_greedy
        self.tokens, self.parents, self.ranks = [history[-1]], [-1], [0]
        self.confidence: list[float | None] = [None]
        self.slots = [0]  # node -> node of the shape it fills
        self.laws: dict[int, torch.Tensor] = {}
        self.fresh = [0]  # nodes of the newest level

    def add(self, parent: int, shape: Shape, chosen: list[tuple[int, float]]) -> list[int]:
        """Hang ``chosen`` below ``parent``; returns the new nodes."""
        slots = [n for n, above in enumerate(shape.parent) if above == self.slots[parent]]
        fresh = []
        for rank, ((token, chance), slot) in enumerate(zip(chosen, slots, strict=False)):
            fresh.append(len(self.tokens))
            self.tokens.append(token)
            self.parents.append(parent)
            self.ranks.append(rank)
            self.confidence.append(chance)
            self.slots.append(slot)
        return fresh

    def proposal(self) -> Proposal:
        """The finished tree; point masses at temperature 0."""
        laws = None
        if not self.is_greedy:
            empty = torch.zeros_like(self.laws[0])
            laws = torch.stack([self.laws.get(node, empty) for node in range(len(self.tokens))])
        columns = map(tuple, (self.tokens, self.parents, self.ranks, self.confidence))
        return Proposal(*columns, laws)
