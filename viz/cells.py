"""What the mask's two pictures share in every round, so that it travels with the header alone."""

from collections.abc import Sequence
from typing import Any

from viz.theme import role

KINDS = ("accepted", "rejected", "untested")
PREFIX = "“%{y}” sees all %{meta[0]} prefix slots"  # of a node, where the mass is not known
MASS = "the tree takes %{z:.1%} of its attention<br>(layer %{meta[1]}, mean of its heads)"
LIGHT = 0.25  # of the scale, where the mass is not known
UNSEEN = {"opacity": 0, "hoverinfo": "skip"}  # before the verify pass
EVEN = role("target", 0.45)  # the scale's colour there


def scale_of(roles: Sequence[str]) -> list[list[Any]]:
    """A colour a role; no value lies between two."""
    return [[i / (len(roles) - 1), role(name)] for i, name in enumerate(roles)]


# What is the same in every round travels with the header: the cells, then the prefix.
CELLS = [
    {
        "zauto": False,
        "zmin": 0,
        "zmax": len(KINDS) - 1,
        "colorscale": scale_of(["dim"] * len(KINDS)),
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "hovertemplate": "“%{y}” %{text} “%{x}”<extra></extra>",
        "hovertemplatefallback": "does not see<br>(another branch, or below it)<br>",
        **UNSEEN,
    },
    {
        "zauto": False,
        "zmin": 0,
        "zmax": 1,
        "colorscale": [
            [0, role("target", 0.7)],
            [0.6, role("target", 0.1)],
            [1, role("target", 0.05)],
        ],
        "showscale": False,
        "hovertemplate": f"{PREFIX}<br>{MASS}<extra></extra>",
        **UNSEEN,
    },
]

# A patch for who does not want the mass: the same for every round, so that none carries it.
MASSLESS: list[list[Any]] = [
    ["data.1.colorscale", [[0, EVEN], [1, EVEN]]],
    ["data.1.hovertemplate", f"{PREFIX}<extra></extra>"],
]

# The axis of the prefix's column, which is one wide.
MARGIN = {"range": [-0.5, 0.5], "autorange": False, "domain": [0, 0.2], "showticklabels": False}
