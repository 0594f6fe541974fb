"""Figures as they travel: plain dicts whose colours are roles, and the patches of their steps.

What the page's player does with them in the browser, ``apply``, ``resolve`` and ``finished`` do
here for notebooks and tests.
"""

from copy import deepcopy
from typing import Any

import plotly.graph_objects as go

from viz.cells import CELLS, MARGIN
from viz.theme import FONT, MONO, PALETTE, SIZES, role

Figure = dict[str, Any]  # {"data": [...], "layout": {...}}
# [[path, value], ...], path as in "data.2.marker.size.5"; "data.2.x.5:" is a list from its fifth
# entry on, which the value's entries replace
Patch = list[list[Any]]

COLOUR_KEYS = frozenset(
    ("color", "colors", "colorscale", "fillcolor", "bgcolor", "bordercolor", "linecolor")
)

_AXIS = {
    "type": "linear",
    "showgrid": False,
    "zeroline": False,
    "ticks": "",
    "tickmode": "array",
    "tickangle": 0,
    "ticklabeloverflow": "allow",  # or every label is measured with every drawing
    "fixedrange": True,
    "color": role("dim"),
    "tickfont": {"family": MONO, "size": SIZES["small"]},
}

# What all figures share travels once, with the header.
TEMPLATE: dict[str, Any] = {
    "layout": {
        "font": {"family": MONO, "size": SIZES["label"], "color": role("ink")},
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "showlegend": False,
        "hovermode": "closest",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "bargap": 0.14,
        "barmode": "overlay",
        "dragmode": False,
        "hoverlabel": {
            "font": {"family": FONT, "size": SIZES["label"], "color": role("ink")},
            "bgcolor": role("panel"),
            "bordercolor": role("dim"),
        },
        "xaxis": _AXIS,
        "xaxis2": _AXIS | MARGIN,
        "yaxis": _AXIS,
        "annotationdefaults": {"showarrow": False, "font": {"size": SIZES["small"]}},
    },
    "data": {
        "scatter": [
            {
                "mode": "lines",
                "hoverinfo": "skip",
                "textposition": "middle right",
                # an unsimplified line keeps its zero-length edges, so that edges grow with
                # their nodes
                "line": {
                    "color": role("faint"),
                    "width": 1.4,
                    "shape": "spline",
                    "simplify": False,
                    "smoothing": 1.1,
                },
                "marker": {
                    "color": role("panel"),
                    "opacity": 1,
                    "line": {"color": role("untested"), "width": 1.6},
                },
                "textfont": {"color": role("dim")},
                "cliponaxis": False,
                "dx": 1e-9,  # a trace with x0 alone is a column (0 would be taken for 1)
            }
        ],
        "bar": [
            {
                "marker": {"line": {"width": 0}},
                "width": 0.86,
                "hoverinfo": "x+name",
                "cliponaxis": False,
                "textposition": "inside",
                "insidetextanchor": "middle",
                "textangle": 0,
            }
        ],
        "heatmap": CELLS,
    },
}


def axis(low: float, high: float, **more: Any) -> dict[str, Any]:
    """A bare axis that never moves by itself: both keys, or ``react`` may drop the range."""
    return {"range": [low, high], "autorange": False, **more}


def resolve(value: Any, theme: str, is_colour: bool = False) -> Any:
    """``value`` with its roles turned into colours: what the player does, for notebooks."""
    if isinstance(value, dict):
        return {k: resolve(item, theme, k in COLOUR_KEYS) for k, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, theme, is_colour) for item in value]
    if is_colour and isinstance(value, str) and value.startswith("@"):
        name, _, alpha = value[1:].partition("/")
        colour = PALETTE[theme][name]
        rgb = ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
        return f"rgba({rgb},{alpha})" if alpha else colour
    return value


def apply(figure: Figure, patch: Patch) -> None:
    """Change ``figure`` in place."""
    for path, value in patch:
        *above, last = (int(key) if key.isdigit() else key for key in path.split("."))
        if isinstance(last, str) and last.endswith(":"):
            start = int(last[:-1])
            last = slice(start, start + len(value))
        place: Any = figure
        for key in above:
            place = place[key] if isinstance(key, int) else place.setdefault(key, {})
        place[last] = deepcopy(value)


def finished(panel: dict[str, Any], mode: str) -> go.Figure:
    """A panel after its last step, in colours, as a figure for notebooks."""
    figure = deepcopy(panel["figure"])
    for patch in panel["steps"]:
        apply(figure, patch)
    figure["layout"]["template"] = TEMPLATE
    return go.Figure(resolve(figure, mode))
