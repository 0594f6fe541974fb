"""What a round on the device has told the host, read."""

from collections.abc import Sequence

import numpy as np

from engine.attention.mass_probe import mass_of
from engine.attention.tree_mass import TreeMass
from engine.device.drafters.blank import Blank
from engine.device.report_layout import ReportLayout
from engine.device.uniforms import Uniforms
from engine.drafters.drafter import Proposal, ranks_of
from engine.recorder import is_thinned, law_of, nodes_of, point_masses
from engine.records import Law, Nodes
from engine.tree import children
from engine.verify import Judgement, accept_prob
from kernels.walk import REJECTED


class Report:
    """The numbers of one round, read.

    Args:
        numbers: in the order of ``layout``.
        proposal: what was judged; its nodes are the buffers' first.
        uniforms: of the round.

    Attributes:
        proposal: as the device has filled it.  A planned node that it could not draw is not there.
        slots: [N] per node its place in the buffers.
        uniforms: [N] that its nodes were judged with.
        top: the largest logit behind the judged nodes.
        read: nodes below the root that a dynamic tree's drafter has read.
    """

    def __init__(
        self, numbers: np.ndarray, layout: ReportLayout, proposal: Proposal, uniforms: Uniforms
    ) -> None:
        self.slots = [*range(len(proposal.tokens))]
        self._parts = parts = layout.unpack(numbers)
        self._path, self._verdicts = parts["path"], parts["verdicts"]
        self._count, self._extra = int(parts["count"].item()), int(parts["extra"].item())
        self.top, self.read, drawn = parts["top"].item(), 0, 0
        if isinstance(proposal, Blank):
            self.read, drawn = int(parts["read"].item()), int(parts["drawn"].item())
            self.slots = [slot for slot in self.slots if slot == 0 or parts["parents"][slot] >= 0]
            columns = (parts[name] for name in ("tokens", "parents", "confidence"))
            proposal = _filled(proposal, self.slots, *columns)
        self.proposal = proposal
        self.uniforms = uniforms.judged(drawn, len(self.slots))

    @property
    def last(self) -> int:
        """The place in the buffers of the node that ended the path."""
        return int(self._path[self._count - 1])

    @property
    def judgement(self) -> Judgement:
        """As the rule on the host would give it, the residuals left out."""
        number = {slot: node for node, slot in enumerate(self.slots)}
        path = tuple(number[int(slot)] for slot in self._path[: self._count])
        below, verdicts = children(self.proposal.parents), self._verdicts[self.slots]
        rejected = tuple(n for node in path for n in below[node] if verdicts[n] == REJECTED)
        extra = self._extra if self._extra >= 0 else None
        return Judgement(path, rejected, extra, (), self._accept_probs((*path[1:], *rejected)))

    def _accept_probs(self, tested: Sequence[int]) -> dict[int, float]:
        """What each of ``tested`` was held against, where it was told."""
        if "tests" not in self._parts:
            return {}
        reach, drafted = self._parts["tests"][:, self.slots].tolist()
        return {node: accept_prob(reach[node], drafted[node]) for node in tested}

    def record(self, judgement: Judgement, is_reordered: bool) -> tuple[Nodes, tuple[Law, ...]]:
        """The tree's columns and the laws on its judged path; the bare tree where none came.

        Args:
            judgement: the one above, or what the end of the text left of it.
            is_reordered: whether a processor may have changed the logits' order.
        """
        if "probs" not in self._parts:
            return nodes_of(self.proposal, judgement, self.uniforms, None), ()
        probs = self._parts["probs"][self.slots].tolist()
        nodes = nodes_of(self.proposal, judgement, self.uniforms, probs[1:])
        kept = judgement.path if judgement.extra is not None else judgement.path[:-1]
        below, rows = children(self.proposal.parents), enumerate(kept)
        return nodes, tuple(
            self._law(row, node, below[node], judgement, is_reordered) for row, node in rows
        )

    def mass(self, layer: int) -> TreeMass | None:
        """Where the attention of ``layer`` fell, if it was asked and there is more than a root."""
        if "share" not in self._parts or len(self.slots) == 1:
            return None
        return mass_of(layer, self._parts["share"][self.slots].tolist())

    def _law(
        self, row: int, node: int, below: Sequence[int], judgement: Judgement, is_reordered: bool
    ) -> Law:
        """The entries of one node of the path; ``below`` are its children."""
        tokens, columns, own = (self._parts[name] for name in ("entries", "columns", "own"))
        proposal, found = self.proposal, []
        has_laws = proposal.laws is not None
        has_rest = has_laws or is_thinned(proposal, judgement)
        for source, is_told in enumerate((True, is_reordered, has_laws, has_rest)):
            if is_told:
                count = int((tokens[row, source] >= 0).sum())
                entries = np.vstack([tokens[row, source], columns[row, source]])[:, :count]
                found += entries.T.tolist()
        tested = {*judgement.path, *judgement.rejected}
        for child in below:
            if child in tested:
                found.append([proposal.tokens[child], *own[:, self.slots[child]].tolist()])
        if node == judgement.path[-1] and judgement.extra is not None:
            found.append([judgement.extra, *own[:, -1].tolist()])
        return law_of(node, found, point_masses(proposal, node))


def _filled(
    blank: Blank,
    slots: Sequence[int],
    tokens: np.ndarray,
    parents: np.ndarray,
    confidence: np.ndarray,
) -> Proposal:
    """What the device has made of a blank at ``slots``."""
    number = {slot: node for node, slot in enumerate(slots)} | {-1: -1}
    above = tuple(number[int(parent)] for parent in parents[slots])
    chances = (None, *confidence[slots[1:]].tolist())
    return Proposal(tuple(map(int, tokens[slots])), above, ranks_of(above), chances, blank.laws)
