"""The only colours, fonts and sizes; figures name roles and never a colour.

A role has one meaning everywhere and is doubled by a shape or a word.  The hues stay apart
for the common kinds of colour-blindness (after Okabe and Ito), text meets WCAG AA on both
grounds.
"""

from copy import deepcopy
from typing import Any

import plotly.graph_objects as go

Figure = dict[str, Any]  # {"data": [...], "layout": {...}}
Patch = list[list[Any]]  # [[path, value], ...], path as in "data.2.marker.size.5"

PALETTE: dict[str, dict[str, str]] = {
    "dark": {
        "ground": "#0f1216",
        "panel": "#161b22",
        "line": "#2a323d",
        "ink": "#e8edf3",
        "dim": "#93a1b1",
        "faint": "#5d6b7b",
        "root": "#e8edf3",
        "accepted": "#2fbf8f",
        "rejected": "#ef6f53",
        "recovered": "#f0b429",
        "bonus": "#5bb8f0",
        "sampled": "#b9a5f2",
        "untested": "#77879a",
        "target": "#4c9be8",
        "draft": "#d58bb8",
        "residual": "#e6d54a",
        "on_accent": "#06140f",
    },
    "light": {
        "ground": "#f6f7f9",
        "panel": "#ffffff",
        "line": "#dde2e8",
        "ink": "#16202b",
        "dim": "#556270",
        "faint": "#98a4b1",
        "root": "#16202b",
        "accepted": "#007a58",
        "rejected": "#c2410c",
        "recovered": "#946000",
        "bonus": "#0b6fae",
        "sampled": "#6a4fc0",
        "untested": "#7d8a98",
        "target": "#0b61b0",
        "draft": "#a4457f",
        "residual": "#7d6c00",
        "on_accent": "#ffffff",
    },
}

VERDICTS = ("accepted", "rejected", "untested")
ORIGINS = ("accepted", "recovered", "bonus", "sampled")
TEXT_ROLES = (
    *("ink", "dim", "accepted", "rejected", "recovered", "bonus", "sampled"),
    *("target", "draft", "residual"),
)

COLOUR_KEYS = frozenset(
    ("color", "colors", "colorscale", "fillcolor", "bgcolor", "bordercolor", "linecolor")
)

# What a shape means, as Plotly's symbol; the page's legend draws the same ones.
SYMBOL = {
    "root": "circle",
    "accepted": "circle",
    "rejected": "square",
    "recovered": "diamond",
    "bonus": "diamond",
    "sampled": "diamond",
    "untested": "circle-open",
}

FONT = 'system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif'
MONO = 'ui-monospace,"DejaVu Sans Mono",monospace'
SERIF = 'Georgia,"DejaVu Serif",serif'

SIZES = {"label": 12.5, "small": 10.5, "caption": 12.5, "value": 21, "text": 15.5}
HIDDEN = 0.01  # a marker that is there but not seen: 0 would take it out of a transition


def role(name: str, alpha: float | None = None) -> str:
    """The word that stands for a colour in a figure; the player looks it up."""
    return f"@{name}" if alpha is None else f"@{name}/{alpha:g}"


def legend() -> list[dict[str, str]]:
    """Every verdict and origin: its role, shape and word."""
    names = ("accepted", "rejected", "recovered", "bonus", "untested")
    return [{"role": name, "symbol": SYMBOL[name], "label": name} for name in names]


def axis(low: float, high: float, **more: Any) -> dict[str, Any]:
    """A bare axis that never moves by itself: both keys, or ``react`` may drop the range."""
    return {"range": [low, high], "autorange": False, **more}


_AXIS = {
    "type": "linear",
    "showgrid": False,
    "zeroline": False,
    "ticks": "",
    "tickmode": "array",
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
        "yaxis": _AXIS,
        "annotationdefaults": {"showarrow": False, "font": {"size": SIZES["small"]}},
    },
    "data": {
        "scatter": [
            {
                "mode": "lines",
                "hoverinfo": "skip",
                "hovertemplate": "q %{customdata}<extra></extra>",  # where hoverinfo is "all"
                "textposition": "middle right",
                # an unsimplified line keeps its zero-length edges, so that edges grow with
                # their nodes
                "line": {
                    "color": role("faint"),
                    "width": 1.4,
                    "shape": "spline",
                    "simplify": False,
                    "smoothing": 0.6,
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
    },
}


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


def css_variables() -> str:
    """The palettes as CSS custom properties, the fonts and sizes beside them."""
    fonts = f"--font:{FONT};--mono:{MONO};--serif:{SERIF};"
    sizes = "".join(f"--size-{name}:{size:g}px;" for name, size in SIZES.items())
    dark, light = (
        "".join(f"--{name.replace('_', '-')}:{colour};" for name, colour in PALETTE[theme].items())
        for theme in ("dark", "light")
    )
    return f":root{{{fonts}{sizes}{light}}}\n.dark{{{dark}}}\n"
