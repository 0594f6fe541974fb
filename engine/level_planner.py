"""How deep to draft, for drafters that choose every level by their confidence.

The guesses it reads are deterministic (the most probable tokens), so that stopping by them
does not bend the output's law.
"""

from engine.drafters.drafter import Proposal
from engine.planner import Planner, path_chances
from engine.tree import depths
from engine.verify import Judgement


class LevelPlanner(Planner):
    """As ``Planner``; asked before each level whether it is likely to pay."""

    _read: tuple[int, ...] = ()  # nodes of each level that was read in this round

    def learn(self, proposal: Proposal, judgement: Judgement) -> None:
        """As the planner's; of the next round nothing was read yet."""
        super().learn(proposal, judgement)
        self._read = ()

    def note_read(self, nodes: int) -> None:
        """So many nodes of the next level are read, the root first."""
        self._read = (*self._read, nodes)

    def worth_reading(self, drafted: Proposal, levels: int) -> int:
        """How many of the best nodes may get children on one more level; 0: none would pay.

        Args:
            drafted: all candidates so far, ``levels`` deep.
        """
        evidence = self._evidence[self._grade]
        chances, depth = path_chances(drafted, evidence), depths(drafted.parents)
        order = sorted(range(1, len(chances)), key=lambda node: (-chances[node], node))
        now, size = self._best([chances[node] for node in order], levels)
        children = [
            chances[node] * evidence.chance(levels + 1, rank)
            for node in order[:size]
            if depth[node] == levels
            for rank in range(self.max_rank)
        ]
        both = sorted([*(chances[node] for node in order[:size]), *children], reverse=True)
        return size if self._best(both, levels + 1)[0] > now else 0

    def _stake(self, drafted: int, levels: int) -> float:
        """As the planner's, where levels that were read count as what they were."""
        stake = super()._stake(drafted, levels)
        if not self.draft or not drafted or not levels:
            return stake
        usual = self.draft(max(1, round(drafted / levels)))
        more = max(0, levels - len(self._read)) - levels
        return stake + sum(map(self.draft, self._read)) + more * usual

    def _best(self, chances: list[float], levels: int) -> tuple[float, int]:
        """The worth of the best size of a tree of nodes with falling ``chances``, and the size."""
        emitted, best, size = 1.0, 0.0, 0
        for count, chance in enumerate(chances, start=1):
            emitted += chance
            if (value := self._worth(count, levels, emitted)) > best:
                best, size = value, count
        return best, size
