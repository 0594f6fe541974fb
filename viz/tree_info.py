"""What the picture of a round's draft tree shows; draws nothing."""

from typing import NamedTuple

from engine.records import Round
from engine.tree import is_chain
from viz.phases import tested
from viz.places import ROW, rows
from viz.point_mass import is_taken

MAX_DRAWN = 192  # nodes; the judged path is among them, as far as there is room


class Extra(NamedTuple):
    """The recovered, bonus or sampled token at the end of the judged path."""

    role: str
    piece: str
    parent: int
    row: int


class TreeInfo(NamedTuple):
    """A round's tree as drawn: columns per drawn node, node 0 the root."""

    node: list[int]  # its number in the record
    parent: list[int]  # among the drawn ones
    depth: list[int]
    row: list[int]
    piece: list[str]
    draft_prob: list[float | None]
    tested: list[int]  # in the order of testing
    verdict: list[str]
    target_prob: list[float | None]
    uniform: list[float | None]
    extra: Extra | None
    num_rows: int
    num_hidden: int  # nodes of the record that are not drawn
    taken: list[int]  # those tested that were taken, not drawn: their q is 1


def tree_info(this: Round, has_point_mass: bool = True) -> TreeInfo:
    """What the tree of ``this`` round shows; arguments as for ``is_taken``."""
    nodes = this.nodes
    order = tested(this)
    drawn = _drawn(nodes.parent, order)
    number = {node: i for i, node in enumerate(drawn)}
    parent = [number.get(nodes.parent[node], -1) for node in drawn]
    rank = [nodes.rank[node] for node in drawn]
    depth = nodes.depth
    tip = number[max((node for node in nodes.path if node in number), key=depth.__getitem__)]
    origin = this.emitted.origin[-1] if this.emitted.origin else "accepted"
    has_extra = origin != "accepted"
    # the extra node has a row of its own from the start, so that nothing has to move for it, and
    # stands aside: where a chain bends would tell which token is going to be refused
    more = ([*parent, tip], [*rank, len(drawn)], len(drawn)) if has_extra else (parent, rank)
    row = rows(*more)
    extra = Extra(origin, this.piece(this.emitted.token[-1]), tip, row[-1]) if has_extra else None
    return TreeInfo(
        drawn,
        parent,
        [depth[node] for node in drawn],
        row,
        [this.piece(nodes.token[node]) for node in drawn],
        [nodes.draft_prob[node] for node in drawn],
        [number[node] for node in order if node in number],
        [nodes.verdict[node] for node in drawn],
        [nodes.target_prob[node] for node in drawn],
        [nodes.uniform[node] for node in drawn],
        extra,
        max(max(row) // ROW + 1, 2 if is_chain(parent) and len(drawn) > 1 else 1),
        len(nodes) - len(drawn),
        [
            number[i]
            for i in order
            if i in number and is_taken(this, nodes.parent[i], has_point_mass)
        ],
    )


def _drawn(parent: tuple[int, ...], order: list[int]) -> list[int]:
    """The nodes to draw: all, or the tested ones and what else there is room for."""
    if len(parent) <= MAX_DRAWN:
        return list(range(len(parent)))
    chosen = {0}
    for node in [*order, *range(len(parent))]:
        branch = []
        while node not in chosen:
            branch.append(node)
            node = parent[node]
        if len(chosen) + len(branch) <= MAX_DRAWN:
            chosen.update(branch)
    return sorted(chosen)
