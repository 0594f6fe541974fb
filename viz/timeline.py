"""Where a round's time went, to scale, beside the plain steps that would write the same text."""

from typing import Any, NamedTuple

import plotly.graph_objects as go

from engine.records import Round
from viz import figure, theme
from viz.phases import Step, steps
from viz.theme import SIZES, role

PHASES = tuple(theme.PHASES)
SHOWN = {"draft": "draft", "verify": "verify", "judge": "accept", "commit": "commit"}
LETTER = 0.0205  # of the whole width: what a letter of a phase's name takes


class TimelineInfo(NamedTuple):
    """Milliseconds of a round's phases, and of the plain steps for as many tokens."""

    milliseconds: list[float]  # in the order of PHASES
    tokens: int
    plain: float | None  # of one plain step

    @property
    def whole(self) -> float:
        """The longer of the two, which the scale is for; never zero."""
        return max(sum(self.milliseconds), self.tokens * (self.plain or 0), 1e-3)


def plot_timeline(this: Round, plain_step: float | None = None, mode: str = "light") -> go.Figure:
    """One round's time; ``plain_step`` in seconds, where plain decoding was measured."""
    panel = timeline_panel(timeline_info(this, plain_step), steps(this))
    return figure.finished(panel, mode)


def timeline_info(this: Round, plain_step: float | None = None) -> TimelineInfo:
    """The times of ``this`` round."""
    times = [round(1000 * getattr(this.seconds, phase), 3) for phase in PHASES]
    plain = None if plain_step is None else round(1000 * plain_step, 3)
    return TimelineInfo(times, len(this.emitted), plain)


def timeline_panel(info: TimelineInfo, order: list[Step]) -> dict[str, Any]:
    """The figure before the first step, a patch and a title per step.

    A phase lights up when it is on or passed by, and has its word then.  How many tokens it was
    for is known in the end.
    """
    data = [_phases(info), *([_plain(info, info.plain)] if info.plain and info.tokens else [])]
    names, words, lit = dict(zip(PHASES, _names(info), strict=True)), _words(info), 0
    patches: list[figure.Patch] = []
    titles: list[str] = []
    for step in order:
        phase = SHOWN.get(step.phase, step.phase)
        passed = PHASES.index(phase) + 1 if phase in PHASES else len(PHASES)
        patches.append(_lit(words, lit, passed))
        lit = max(lit, passed)
        if step.phase == "emit" and len(data) > 1:
            patches[-1] += _all_plain(info, info.plain)
        titles.append(names.get(phase) or _sum(info))
    return {"figure": {"data": data, "layout": _layout(info)}, "steps": patches, "titles": titles}


def _sum(info: TimelineInfo) -> str:
    """The whole round, and what plain decoding takes for its tokens."""
    told = f"{sum(info.milliseconds):.0f} ms for {info.tokens} token{'s' * (info.tokens != 1)}"
    return f"{told}, plain {info.tokens * info.plain:.0f} ms" if info.plain else told


def _names(info: TimelineInfo) -> list[str]:
    """Every phase and its time."""
    times = zip(PHASES, info.milliseconds, strict=True)
    return [f"{phase} {time:.{0 if time >= 10 else 1}f} ms" for phase, time in times]


def _words(info: TimelineInfo) -> list[str]:
    """What stands in the bar of every phase: nothing where it has no room."""
    words = [name.removesuffix(" ms") for name in _names(info)]
    times = zip(words, info.milliseconds, strict=True)
    return [word if _fits(info, word, time) else "" for word, time in times]


def _fits(info: TimelineInfo, words: str, time: float) -> bool:
    """Whether a bar of so many milliseconds has room for ``words``."""
    return time > LETTER * len(words) * info.whole


def _lit(words: list[str], start: int, stop: int) -> figure.Patch:
    """Phases in their full colour: on a dimmed one nobody could read its word."""
    bars: figure.Patch = [[f"data.0.marker.opacity.{i}", 1] for i in range(start, stop)]
    return bars + ([["data.0.text", words[:stop]]] if any(words[start:stop]) else [])


def _phases(info: TimelineInfo) -> dict[str, Any]:
    """A bar a phase, end to end, all of them dimmed."""
    times = info.milliseconds
    return {
        "type": "bar",
        "orientation": "h",
        "x": times,
        "y": [0] * len(times),
        "base": [round(sum(times[:i]), 3) for i in range(len(times))],
        "marker": {
            "color": [role(theme.PHASES[phase]) for phase in PHASES],
            "opacity": [0.3] * len(times),
        },
        "insidetextfont": {"color": role("ground"), "size": SIZES["small"]},
        "hoverinfo": "text",
        "hovertext": _names(info),
    }


def _plain(info: TimelineInfo, plain: float) -> dict[str, Any]:
    """One bar a plain step; the first is drawn last, so that what they are stands over them.

    Before the end only the first is seen.
    """
    unseen, words = max(0, info.tokens - 1), f"plain: {plain:.0f} ms a pass"
    return {
        "type": "bar",
        "orientation": "h",
        "x": [round(0.98 * plain, 3)] * info.tokens,
        "y": [1] * info.tokens,
        "base": [round(i * plain, 3) for i in reversed(range(info.tokens))],
        "marker": {"color": role("faint", 0.55), "opacity": [0] * unseen + [1]},
        "name": f"plain {plain:.0f} ms",
        "text": [*[""] * unseen, words],
        "textposition": "inside" if _fits(info, words, plain) else "outside",
        "insidetextanchor": "start",
        "textfont": {"color": role("ink"), "size": SIZES["small"]},
        "constraintext": "none",
    }


def _all_plain(info: TimelineInfo, plain: float) -> figure.Patch:
    """As many plain steps as the round has emitted tokens."""
    words = f"plain: {info.tokens} pass{'es' * (info.tokens != 1)} of {plain:.0f} ms"
    is_inside, none = _fits(info, words, info.tokens * plain), [""] * (info.tokens - 1)
    return [
        ["data.1.marker.opacity", [1] * info.tokens],
        ["data.1.text", [*none, words] if is_inside else [words, *none]],  # from the first, or
        ["data.1.textposition", "inside" if is_inside else "outside"],  # behind the last
    ]


def _layout(info: TimelineInfo) -> dict[str, Any]:
    return {
        "xaxis": figure.axis(0, info.whole, visible=False),
        "yaxis": figure.axis(1.5, -0.5, visible=False),
        "margin": {"t": 2, "b": 4},
    }
