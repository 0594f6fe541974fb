"""Where the nodes of a tree stand: tidy, from the left, leaves in order, parents centred."""

from collections.abc import Sequence

ROW = 3  # units between two leaves, so that a parent between them stands on a whole number


def rows(parent: Sequence[int], rank: Sequence[int], aside: int = -1) -> list[int]:
    """The height of every node, counted from the top in units of ``1 / ROW`` of a leaf's row.

    Args:
        parent: -1 for the root, parents before their children.
        rank: order among siblings.
        aside: a leaf that its parent does not move for, where it has other children.
    """
    children: list[list[int]] = [[] for _ in parent]
    for node in sorted(range(1, len(parent)), key=rank.__getitem__):
        children[parent[node]].append(node)
    place = [0] * len(parent)
    leaf, waiting = 0, [0]
    while waiting:
        node = waiting.pop()
        waiting.extend(reversed(children[node]))
        if not children[node]:
            place[node] = leaf
            leaf += ROW
    for node in reversed(range(len(parent))):
        if below := [child for child in children[node] if child != aside] or children[node]:
            place[node] = (place[below[0]] + place[below[-1]] + 1) // 2
    return place
