"""A run in a notebook: the same player as on the page, in a frame of its own."""

from html import escape
from pathlib import Path

from engine.trace import Trace
from viz.standalone import standalone

HEIGHT = 900  # pixels: the stage without scrolling


class Shown:
    """What a notebook draws by itself, and a browser opens once it is saved."""

    def __init__(self, html: str, height: int) -> None:
        self.html = html
        self.height = height

    def _repr_html_(self) -> str:
        style = f"width:100%;height:{self.height}px;border:0"
        return f'<iframe srcdoc="{escape(self.html)}" style="{style}"></iframe>'

    def save(self, path: str | Path) -> None:
        """Write one HTML file that plays without a network."""
        Path(path).write_text(self.html, encoding="utf-8")


def show(trace: Trace, height: int = HEIGHT) -> Shown:
    """The player with ``trace`` in it, ``height`` pixels high."""
    return Shown(standalone(trace), height)
