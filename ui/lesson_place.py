"""Where in a trace a stop of a lesson stands; knows the rounds, not the words."""

from dataclasses import dataclass

from engine.records import Round
from engine.trace import Trace
from viz.phases import steps, tested


@dataclass(frozen=True, slots=True)
class Place:
    """A round of a trace, and the node in hand where there is one."""

    trace: Trace
    index: int  # of the round, from 0
    node: int | None = None

    @property
    def round(self) -> Round:
        """The record."""
        return self.trace.rounds[self.index]


def node_of(this: Round, wanted: str | int | None) -> int | None:
    """The node that a stop names: by number, or the first tested one of a verdict.

    Raises:
        ValueError: the round has no such tested node.
    """
    if wanted is None:
        return None
    order = tested(this)
    found = [node for node in order if wanted in (node, this.nodes.verdict[node])]
    if not found:
        what = f"node {wanted} was not tested" if isinstance(wanted, int) else f"nothing {wanted}"
        raise ValueError(f"node: {what} in round {this.index + 1}")
    return found[0]


def step_of(this: Round, phase: str, node: int | None) -> int:
    """The step of a round that shows a phase: its last, or the one that tests ``node``.

    Raises:
        ValueError: the round has no step of that phase.
    """
    order = steps(this)
    found = [i for i, step in enumerate(order) if step.phase == phase]
    if node is not None:
        found = [i for i in found if order[i].node == node]
    if not found:
        raise ValueError(f"phase: round {this.index + 1} has no step '{phase}'")
    return found[-1]
