"""How large a dynamic tree is made on the device: settled before the round.

That is what the settings say, or what the planner expects to pay by earlier rounds: nobody asks
it between levels, for an answer would have to wait for the device.
"""

from collections.abc import Sequence

from engine.device.drafters.blank import blank
from engine.device.drafters.candidates import Spread
from engine.device.tree_buffers import SIZES
from engine.drafters.drafter import Proposal
from engine.drafters.dynamic import WIDTH, Dynamic
from engine.tree import Shape


def plan(dynamic: Dynamic, max_depth: int) -> Spread | None:
    """This round's, of which the planner is told; ``None`` drafts nothing."""
    if isinstance(dynamic.tree, int):
        size, depth = dynamic.tree, max_depth
    else:
        shape = dynamic.planner.shape(max_depth)
        size, depth = fitted(len(shape)), max(shape.depth)
    if not size or not depth:
        return None
    spread = Spread(size, WIDTH, min(WIDTH, len(dynamic.children.vocab), size), min(size, depth))
    for rows in spread.beams:
        dynamic.planner.budget.note_read(rows)
    return spread


def fitted(nodes: int) -> int:
    """Drafted nodes of the largest captured size that a plan of ``nodes``, root included, fills.

    A size of its own for every plan would be a capture of its own; a larger one would cost
    more than was planned.
    """
    return max(size for size in SIZES if size <= nodes) - 1


def unshaped(history: Sequence[int], spread: Spread) -> Proposal:
    """A blank of the size that the tree will have; what hangs where is not true yet."""
    count = spread.count
    return blank(history, Shape((-1, *(0,) * count), (0, *range(count))))
