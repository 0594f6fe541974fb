"""A training's curve in as many points as are kept of it: what ships would grow with every one."""

from collections.abc import Sequence

Point = tuple[int, float, float]  # tokens, agreement, accepted length
POINTS = 24


def thin(curve: Sequence[Point], points: int = POINTS) -> list[Point]:
    """At most ``points`` of the curve, spread evenly, its first and its last among them."""
    if len(curve) <= points:
        return list(curve)
    last = len(curve) - 1
    return [curve[round(place * last / (points - 1))] for place in range(points)]
