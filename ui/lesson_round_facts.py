"""Facts of one round, and of one tested node of it, that a lesson may name."""

from collections.abc import Callable
from math import floor, log10

from engine.records import CacheStep
from ui.lesson_place import Place
from ui.lesson_run_facts import Fact
from viz.pieces import SMALL, visible

SHOWN = 24  # characters of a token


def _token(place: Place, token: int) -> str:
    """A token as one reads it out: without the blank before it."""
    piece = place.round.piece(token)
    return f"“{visible(piece.strip(' ') or piece, SHOWN)}”"


def _cache(place: Place, name: str, value: Callable[[CacheStep], int]) -> int | None:
    return next((value(cache) for cache in place.round.caches if cache.name == name), None)


def _cached(place: Place) -> int:
    """Committed tokens that a cache may hold: all but the last, which is the next root."""
    return place.round.start + len(place.round.emitted) - 1


def _cache_facts(name: str) -> dict[str, Fact]:
    def of(value: Callable[[CacheStep], int]) -> Fact:
        return Fact(lambda place: _cache(place, name, value))

    return {
        f"{name}_before": of(lambda cache: cache.before),
        f"{name}_written": of(lambda cache: cache.written),
        f"{name}_kept": of(lambda cache: len(cache.kept)),
        f"{name}_after": of(lambda cache: cache.after),
        f"{name}_freed": of(lambda cache: cache.written - len(cache.kept)),
        f"{name}_moved": of(lambda cache: len(cache.moved)),
        f"{name}_missing": Fact(
            lambda place: _cache(place, name, lambda cache: _cached(place) - cache.after)
        ),
        f"{name}_behind": Fact(
            lambda place: _cache(place, name, lambda cache: place.round.start - cache.before)
        ),
    }


def _origin(place: Place) -> str | None:
    return place.round.emitted.origin[-1] if place.round.emitted.origin else None


def _last(place: Place) -> str | None:
    tokens = place.round.emitted.token
    return _token(place, tokens[-1]) if tokens else None


def _widest(place: Place) -> int:
    depth = place.round.nodes.depth
    return max(depth.count(level) for level in set(depth))


ROUND = {
    "round": Fact(lambda place: place.index + 1),
    "committed": Fact(lambda place: place.round.start),
    "root": Fact(lambda place: _token(place, place.round.nodes.token[0])),
    "nodes": Fact(lambda place: len(place.round.nodes)),
    "drafted": Fact(lambda place: place.round.nodes.num_drafted),
    "levels": Fact(lambda place: max(place.round.nodes.depth)),
    "widest": Fact(_widest),
    "root_position": Fact(lambda place: place.round.start - 1),
    "last_position": Fact(lambda place: place.round.start - 1 + max(place.round.nodes.depth)),
    "tested": Fact(lambda place: place.round.nodes.num_tested),
    "accepted": Fact(lambda place: place.round.nodes.num_accepted),
    "rejected": Fact(lambda place: place.round.nodes.verdict.count("rejected")),
    "untested": Fact(lambda place: place.round.nodes.verdict.count("untested")),
    "emitted": Fact(lambda place: len(place.round.emitted)),
    "origin": Fact(_origin),
    "last": Fact(_last),
    "draft_ms": Fact(lambda place: 1000 * place.round.seconds.draft, "{:.0f}"),
    "verify_ms": Fact(lambda place: 1000 * place.round.seconds.verify, "{:.0f}"),
    **_cache_facts("target"),
    **_cache_facts("draft"),
}


def _q(place: Place) -> float | None:
    """The drafter's probability of the node, as it was judged below its parent."""
    nodes, node = place.round.nodes, place.node
    law = next((law for law in place.round.laws if law.node == nodes.parent[node]), None)
    entries = zip(law.token, law.draft, strict=True) if law else ()
    return next((q for token, q in entries if token == nodes.token[node]), None)


def _over(place: Place) -> float | None:
    p, q = place.round.nodes.target_prob[place.node], _q(place)
    return p / q if p is not None and q else None


def _chance(place: Place) -> float | None:
    column = place.round.nodes.accept_prob
    found = column[place.node] if column else None
    return None if found is None else 100 * found


def _share(value: float) -> str:
    """Two decimals; a small share keeps two digits that tell, since it is held against another."""
    if not 0 < value < SMALL:
        return f"{value:.2f}"
    return f"{value:.{1 - floor(log10(value))}f}"


def _percent(value: float) -> str:
    return f"{value:.0f}\u00a0%" if value >= 1 else f"{value:.2g}\u00a0%"


def _p(place: Place) -> float | None:
    return place.round.nodes.target_prob[place.node]


NODE = {
    "token": Fact(lambda place: _token(place, place.round.nodes.token[place.node])),
    "verdict": Fact(lambda place: place.round.nodes.verdict[place.node]),
    "depth": Fact(lambda place: place.round.nodes.depth[place.node]),
    "rank": Fact(lambda place: place.round.nodes.rank[place.node]),
    "p": Fact(_p, _share),
    "q": Fact(_q, _share),
    "u": Fact(lambda place: place.round.nodes.uniform[place.node], _share),
    "p_over_q": Fact(_over, _share),
    "chance": Fact(_chance, _percent),
}
