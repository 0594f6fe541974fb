"""When a round writes a cache's slots: while it drafts, level by level, or in the one pass."""

from collections import Counter
from itertools import accumulate, pairwise

from engine.records import CacheStep, Nodes, Round


def slots_by_level(this: Round, cache: CacheStep) -> tuple[int, ...]:
    """[levels] slots written while each level was drafted; none where the pass wrote them.

    Before the first level a drafter reads what was committed since it last drafted, and before
    each further one the nodes of the level above.  Nodes that a dynamic tree has read and not
    kept are on no record: they count as read before the last level.
    """
    deepest = max(this.nodes.depth)
    if cache.name == "target" or not deepest:
        return ()
    behind = _caught_up(this, cache)
    read = _read(this.nodes, cache.written - behind)
    ends = [min(end, cache.written) for end in accumulate([0, behind, *read])]
    ends[-1] = cache.written
    return tuple(high - low for low, high in pairwise(ends))


def _caught_up(this: Round, cache: CacheStep) -> int:
    """Slots of committed text: all that a head keeps; a draft model keeps drafted ones too."""
    return max(0, this.start - cache.before) if cache.name == "draft" else len(cache.kept)


def _read(nodes: Nodes, drafted: int) -> list[int]:
    """Nodes read of every level but the last: all of them if it adds up, else the parents."""
    depth = nodes.depth
    levels = range(1, max(depth))
    everyone = Counter(depth)
    parents = Counter(depth[node] for node in set(nodes.parent[1:]))
    found = everyone if sum(everyone[k] for k in levels) == drafted else parents
    return [found[k] for k in levels]
