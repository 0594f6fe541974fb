"""How deep to draft, for drafters that choose every level by their confidence.

The guesses it reads are deterministic (the most probable tokens), so that stopping by them
does not bend the output's law.
"""

from collections.abc import Callable

from engine.drafters.drafter import Proposal
from engine.planning.planner import Planner, best_first, best_prefix, path_chances
from engine.tree import depths


class LevelPlanner(Planner):
    """As ``Planner``; asked before each level whether it is likely to pay."""

    def worth_reading(self, drafted: Proposal, levels: int) -> int:
        """How many of the best nodes may get children on one more level; 0: none would pay.

        Args:
            drafted: all candidates so far, ``levels`` deep.
        """
        evidence = self._evidence[self._grade]
        chances, depth = path_chances(drafted, evidence), depths(drafted.parents)
        order = best_first(chances)
        falling = [chances[node] for node in order]
        now, size = best_prefix(falling, self._worth_at(levels))
        children = [
            chances[node] * evidence.chance(levels + 1, rank)
            for node in order[:size]
            if depth[node] == levels
            for rank in range(self.max_rank)
        ]
        both = sorted(falling[:size] + children, reverse=True)
        deeper, _ = best_prefix(both, self._worth_at(levels + 1))
        return size if deeper > now else 0

    def _worth_at(self, levels: int) -> Callable[[int, float], float]:
        """The worth of trees that so many levels are read for."""
        return lambda drafted, emitted: self.budget.worth(drafted, levels, emitted)
