"""Where the gain of a run's accepted tokens goes; pure arithmetic on counts.

A round that cost one plain pass would gain all of its mean accepted length.  What it costs
beyond that: drafting, the pass over more nodes than one, judging and committing.
"""

from typing import NamedTuple

from engine.breakdown import Breakdown
from engine.pass_cost import PassCost
from engine.stats import Ratio, Tally


class Balance(NamedTuple):
    """Seconds beyond plain passes by what took them, each of the seconds of all rounds."""

    draft: Ratio
    wider: Ratio | None  # the passes' cost over one node's, both calibrated; unknown without that
    rest: Ratio  # judging and committing
    nodes: Ratio  # of a mean pass, root included
    passes: float | None  # plain passes that such a pass costs


def balance(tally: Tally, breakdown: Breakdown, cost: PassCost | None) -> Balance | None:
    """The balance of a run; ``None`` before its first round."""
    seconds = breakdown.seconds
    whole = seconds.total
    if not tally.passes or not whole:
        return None
    nodes = Ratio(breakdown.nodes, tally.passes)
    relative, wider = None, None
    if cost is not None:
        passes = sum(rounds * cost(1 + drafted) for drafted, rounds in breakdown.sizes.items())
        relative = passes / tally.passes / cost(1)
        wider = Ratio(passes - tally.passes * cost(1), whole)
    draft, rest = Ratio(seconds.draft, whole), Ratio(seconds.accept + seconds.commit, whole)
    return Balance(draft, wider, rest, nodes, relative)
