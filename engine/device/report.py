"""What a round on the device tells the host: one row of fp64 numbers, and their meaning.

fp64 holds every token id and every probability as it is.
"""

from collections.abc import Sequence
from math import prod

import numpy as np
import torch

from engine.attention.mass_probe import mass_of
from engine.attention.tree_mass import TreeMass
from engine.device.drafters.blank import Blank
from engine.device.tree_buffers import TreeBuffers
from engine.device.uniforms import Uniforms
from engine.drafters.drafter import Proposal, ranks_of
from engine.recorder import TOP, law_of, nodes_of, point_masses
from engine.records import Law, Nodes
from engine.tree import children
from engine.verify import Judgement
from kernels.accept import Accepted
from kernels.top_entries import TopEntries
from kernels.walk import REJECTED

HEAD = 3  # numbers before the path: its length, the token behind it, the largest logit
SOURCES = 4  # of entries: logits, p, q, residual; and as many numbers an entry


def pack(
    tree: TreeBuffers,
    accepted: Accepted,
    logits: torch.Tensor,
    target_laws: torch.Tensor,
    entries: TopEntries | None,
    share: torch.Tensor | None,
    is_drafted: bool,
) -> torch.Tensor:
    """One row of numbers; without ``entries`` a short one.

    Args:
        logits: [size, V] of the target before the processors.
        share: [size] of the attention that fell on the tree, where a layer was asked.
        is_drafted: whether the host has yet to learn the tokens and what hangs where.
    """
    top = logits.amax(-1)[accepted.path.clamp_min(0)].amax()  # NaN is larger than any
    parts = [accepted.count, accepted.extra, top, accepted.path, accepted.verdicts]
    if is_drafted:
        parts += [tree.tokens, tree.parents, tree.confidence, tree.read, tree.drawn]
    if entries is not None:
        probs = target_laws[tree.parents.clamp_min(0), tree.tokens]
        parts += [probs, entries.tokens, entries.columns, entries.own]
    if share is not None:
        parts.append(share)
    return torch.cat([part.flatten().double() for part in parts])


def path_of(numbers: torch.Tensor, size: int) -> torch.Tensor:
    """[size] of the accepted path, -1 behind it, in ``pack``'s numbers where they are."""
    return numbers[HEAD : HEAD + size]


def kept_of(numbers: torch.Tensor) -> torch.Tensor:
    """[1] how many of the path's nodes are kept in the slots: the text's last token never is."""
    return numbers[:1] - (numbers[1:2] < 0).double()


class Report:
    """The numbers of one round, read.

    Args:
        numbers: of ``pack``.
        size: of the tree's buffers.
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
        self, numbers: np.ndarray, size: int, proposal: Proposal, uniforms: Uniforms
    ) -> None:
        is_drafted, self.slots = isinstance(proposal, Blank), [*range(len(proposal.tokens))]
        shapes = [(HEAD,), (size,), (size,)]
        if is_drafted:
            shapes += [(size,), (size,), (size,), (2,)]
        if sum(map(prod, shapes)) < len(numbers):
            shapes += [(size,), (size, SOURCES, TOP)]
            shapes += [(size, SOURCES, SOURCES, TOP), (SOURCES, size + 1)]
        if sum(map(prod, shapes)) < len(numbers):
            shapes.append((size,))
        ends = np.cumsum([prod(shape) for shape in shapes])
        assert ends[-1] == len(numbers)
        parts = zip(np.split(numbers, ends[:-1]), shapes, strict=True)
        told, self._path, self._verdicts, *rest = (part.reshape(shape) for part, shape in parts)
        self._count, self._extra, self.read, drawn = *map(int, told[:2]), 0, 0
        self.top = float(told[2])
        if is_drafted:
            columns, (self.read, drawn), rest = rest[:3], map(int, rest[3]), rest[4:]
            self.slots = [slot for slot in self.slots if slot == 0 or columns[1][slot] >= 0]
            proposal = _filled(proposal, self.slots, *columns)
        self.proposal, self._rest = proposal, rest
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
        rejected = (n for node in path for n in below[node] if verdicts[n] == REJECTED)
        return Judgement(path, tuple(rejected), self._extra if self._extra >= 0 else None, ())

    def record(self, judgement: Judgement, is_reordered: bool) -> tuple[Nodes, tuple[Law, ...]]:
        """The tree's columns and the laws on its judged path; the bare tree where none came.

        Args:
            judgement: the one above, or what the end of the text left of it.
            is_reordered: whether a processor may have changed the logits' order.
        """
        if not self._rest:
            return nodes_of(self.proposal, judgement, self.uniforms, None), ()
        probs = self._rest[0][self.slots].tolist()
        nodes = nodes_of(self.proposal, judgement, self.uniforms, probs[1:])
        kept = judgement.path if judgement.extra is not None else judgement.path[:-1]
        below, rows = children(self.proposal.parents), enumerate(kept)
        return nodes, tuple(
            self._law(row, node, below[node], judgement, is_reordered) for row, node in rows
        )

    def mass(self, layer: int) -> TreeMass | None:
        """Where the attention of ``layer`` fell, if it was asked and there is more than a root."""
        if len(self._rest) < 5 or len(self.slots) == 1:
            return None
        return mass_of(layer, self._rest[4][self.slots].tolist())

    def _law(
        self, row: int, node: int, below: Sequence[int], judgement: Judgement, is_reordered: bool
    ) -> Law:
        """The entries of one node of the path; ``below`` are its children."""
        tokens, columns, own = self._rest[1:4]
        proposal, found = self.proposal, []
        has_laws = proposal.laws is not None
        for source, is_told in enumerate((True, is_reordered, has_laws, has_laws)):
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
