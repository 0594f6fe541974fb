"""What a run's rounds come apart into: by origin, depth and rank, probability and tree size.

Running counts like ``stats.Tally``, finer; knows no tensors and no pictures.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from math import ceil
from typing import NamedTuple, get_args

from engine.pass_cost import PassCost, believed, predicted_speed_up
from engine.records import Nodes, Origin, Round, Seconds
from engine.stats import Ratio

ORIGINS = get_args(Origin)
BINS = 10  # of draft probability, equally wide
SHOWN_SIZES = (*range(1, 17), 20, 24, 32, 40, 48, 64, 96, 128, 256, 512, 1023)


class Bin(NamedTuple):
    """Tested nodes whose draft probability lies in one tenth of the scale."""

    probability: Ratio  # the sum of the probabilities, of the nodes
    accepted: Ratio


@dataclass(slots=True)
class Breakdown:
    """Counts over the rounds added so far.

    ``origins`` holds tokens by origin a round, in the order of ``ORIGINS``.  ``gains`` counts
    the emitted drafted tokens by their place among their tree's likeliest nodes, from 1: what
    stands beyond place n would not have been emitted by a tree of n nodes.  ``passes`` holds
    (nodes, slots of the target's cache, verify seconds) a round.
    """

    origins: list[tuple[int, ...]] = field(default_factory=list)
    tested: Counter[tuple[int, int]] = field(default_factory=Counter)  # by depth and rank
    accepted: Counter[tuple[int, int]] = field(default_factory=Counter)
    bins: list[list[float]] = field(default_factory=lambda: [[0, 0, 0.0] for _ in range(BINS)])
    sizes: Counter[int] = field(default_factory=Counter)  # rounds by drafted nodes
    gains: Counter[int] = field(default_factory=Counter)
    verify_seconds: Counter[int] = field(default_factory=Counter)  # by drafted nodes
    passes: list[tuple[int, int, float]] = field(default_factory=list)
    nodes: int = 0  # passed through the target, roots included
    slots: int = 0  # of the target's cache, summed over the passes
    plain_slots: int = 0  # the same for plain passes of the same tokens
    seconds: Seconds = Seconds(0.0, 0.0, 0.0, 0.0)  # those that can be believed

    def add(self, this: Round) -> None:
        """Count one more round."""
        nodes, emitted = this.nodes, len(this.emitted)
        self.origins.append(tuple(map(this.emitted.origin.count, ORIGINS)))
        self.sizes[nodes.num_drafted] += 1
        self.verify_seconds[nodes.num_drafted] += believed(this.seconds.verify)
        self._time(this.seconds)
        self.nodes += len(nodes)
        committed = max(0, this.start - 1)  # the root's key and value are not cached yet
        self.slots += committed + len(nodes)
        seconds = believed(this.seconds.verify)
        self.passes.append((len(nodes), committed + len(nodes), seconds))
        self.plain_slots += emitted * committed + emitted * (emitted + 1) // 2
        self._test(nodes)
        if nodes.num_accepted:
            place = places(nodes)
            self.gains.update(place[node] for node in nodes.path[1:][: max(0, emitted - 1)])

    def _time(self, new: Seconds) -> None:
        had = self.seconds
        self.seconds = Seconds(
            had.draft + believed(new.draft),
            had.verify + believed(new.verify),
            had.accept + believed(new.accept),
            had.commit + believed(new.commit),
        )

    def _test(self, nodes: Nodes) -> None:
        depth = nodes.depth
        refused = defaultdict[int, float](float)  # by parent: what the draft gave those before
        for node in nodes.tested:
            is_accepted, place = nodes.verdict[node] == "accepted", (depth[node], nodes.rank[node])
            self.tested[place] += 1
            self.accepted[place] += is_accepted
            probability = nodes.draft_prob[node]
            if probability is not None:
                left = 1 - refused[nodes.parent[node]]
                refused[nodes.parent[node]] += probability
                probability = min(1.0, max(0.0, probability / left)) if left > 0 else 1.0
                counts = self.bins[max(0, ceil(BINS * probability) - 1)]
                counts[0] += 1
                counts[1] += is_accepted
                counts[2] += probability

    @property
    def running_length(self) -> list[Ratio]:
        """Mean accepted length after every round."""
        tokens, found = 0, []
        for passes, counts in enumerate(self.origins, start=1):
            tokens += sum(counts)
            found.append(Ratio(tokens, passes))
        return found

    @property
    def calibration(self) -> list[Bin]:
        """Acceptance against draft probability, the upper end of each tenth included.

        A later sibling is tested once those before it are refused: its probability is what it
        has of the rest.
        """
        return [Bin(Ratio(total, tested), Ratio(held, tested)) for tested, held, total in self.bins]

    def acceptance(self, ranks: int) -> list[list[Ratio]]:
        """Accepted of the tested nodes, a list a rank and in it one a depth from 1 on.

        Args:
            ranks: lists at the most; the last of them holds all later ranks.
        """
        depths = max((depth for depth, _ in self.tested), default=0)
        found: list[list[Ratio]] = []
        for (depth, rank), tested in self.tested.items():
            group = min(max(0, rank), ranks - 1)
            found += [[Ratio(0, 0)] * depths for _ in range(group + 1 - len(found))]
            part, whole = found[group][depth - 1]
            accepted = self.accepted[depth, rank]
            found[group][depth - 1] = Ratio(part + accepted, whole + tested)
        return found

    def length_of(self, size: int) -> Ratio:
        """Mean accepted length had only the ``size`` likeliest nodes of each tree been drafted.

        An estimate by the run's own verdicts: rounds of smaller trees would have gone on from
        other places of the text.  It says nothing of trees larger than the run's.
        """
        passes = len(self.origins)
        lost = sum(count for place, count in self.gains.items() if place > size)
        return Ratio(sum(map(sum, self.origins)) - lost, passes)

    def drafted_of(self, size: int) -> float:
        """Drafted nodes a round, had each tree been cut to its ``size`` likeliest."""
        passes = len(self.origins)
        nodes = sum(min(size, own) * rounds for own, rounds in self.sizes.items())
        return nodes / passes if passes else 0.0

    def speed_ups(self, cost: PassCost) -> list[tuple[int, float]]:
        """(most drafted nodes of a tree, predicted speed-up), up to the largest tree.

        Drafting costs the same; judging and committing are left out, as of plain decoding.
        """
        passes, largest = len(self.origins), max(self.sizes, default=0)
        if not largest:
            return []
        draft = self.seconds.draft / passes
        found = [(0, 1.0)]
        for size in sorted({*(s for s in SHOWN_SIZES if s < largest), largest}):
            tau = self.length_of(size).value
            if not tau:
                continue
            slower = sum(
                rounds / predicted_speed_up(cost, min(size, own), draft, tau)
                for own, rounds in self.sizes.items()
            )
            found.append((size, passes / slower))
        return found


def places(nodes: Nodes) -> list[int]:
    """Every node's place by the product of draft probabilities down to it, the root's 0.

    Parents come before their children, so the nodes up to any place are a tree.  A node
    without a probability counts as certain.
    """
    weight: list[float] = []
    for probability, parent in zip(nodes.draft_prob, nodes.parent, strict=True):
        weight.append(1.0 if parent < 0 else weight[parent] * min(1.0, _one(probability)))
    order = sorted(range(len(weight)), key=lambda node: (-weight[node], node))
    place = [0] * len(order)
    for at, node in enumerate(order):
        place[node] = at
    return place


def _one(probability: float | None) -> float:
    return 1.0 if probability is None else max(0.0, probability)
