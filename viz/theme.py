"""The only colours, fonts and sizes; figures name roles and never a colour.

A role has one meaning everywhere and is doubled by a shape or a word.  The hues stay apart
for the common kinds of colour-blindness (after Okabe and Ito), text meets WCAG AA on both
grounds.
"""

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
        "sampled": "#9b84ec",
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
        "rejected": "#a31f00",
        "recovered": "#996600",
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

BARS = (("target", "p target"), ("draft", "q draft"), ("residual", "residual"))

# Judging has a hue of no verdict: its time says nothing about what was decided.
PHASES = {"draft": "draft", "verify": "target", "accept": "dim", "commit": "accepted"}

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
    names = ("accepted", "rejected", "recovered", "bonus", "sampled", "untested")
    return [{"role": name, "symbol": SYMBOL[name], "label": name} for name in names]


def bars() -> list[dict[str, str]]:
    """The three laws of a judgement, as the legend has them."""
    return [{"role": name, "symbol": "square", "label": label} for name, label in BARS]


def slots() -> list[dict[str, str]]:
    """The states of a cache's slot; those of the target and of a drafter differ in their hue."""
    states = (("target/0.45", "square both", "prefix"), ("target", "square both", "written"))
    ends = (
        ("accepted", "square", "kept"),
        ("rejected/0.5", "square", "freed"),
        ("ink", "square hatched", "missing"),
    )
    return [dict(zip(("role", "symbol", "label"), e, strict=True)) for e in (*states, *ends)]


def phases() -> list[dict[str, str]]:
    """The phases of a round's time."""
    return [{"role": tone, "symbol": "square", "label": name} for name, tone in PHASES.items()]


def css_variables() -> str:
    """The palettes as CSS custom properties, the fonts and sizes beside them."""
    fonts = f"--font:{FONT};--mono:{MONO};--serif:{SERIF};"
    sizes = "".join(f"--size-{name}:{size:g}px;" for name, size in SIZES.items())
    dark, light = (
        "".join(f"--{name.replace('_', '-')}:{colour};" for name, colour in PALETTE[theme].items())
        for theme in ("dark", "light")
    )
    return f":root{{{fonts}{sizes}{light}}}\n.dark{{{dark}}}\n"
