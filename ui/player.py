"""The player as a Gradio component, and the routes its files come from.

The player itself is JavaScript in ``assets/player``: it takes messages and asks for nothing.
"""

import os
from pathlib import Path
from typing import Any

import gradio as gr
import plotly
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from ui import lesson_routes, traces
from viz import standalone
from viz.theme import css_variables

ASSETS = Path(__file__).parents[1] / "assets"
PLOTLY = Path(plotly.__file__).parent / "package_data"
YEAR = 31_536_000
SMALLER = [Middleware(GZipMiddleware, compresslevel=6)]  # Gradio does so with files only


class Files(StaticFiles):
    """Files that a browser asks for again, or with ``seconds`` keeps that long.

    Behind a ``Route`` that names their path: a ``Mount`` looks for a proxy's prefix in it, which
    most take off.
    """

    def __init__(self, directory: Path, seconds: int = 0) -> None:
        super().__init__(directory=directory)
        self._rule = f"public, max-age={seconds}, immutable" if seconds else "no-cache"

    def get_path(self, scope: Scope) -> str:
        return os.path.normpath(scope["path_params"]["path"])

    def file_response(self, *args: Any, **more: Any) -> Response:
        response = super().file_response(*args, **more)
        response.headers["Cache-Control"] = self._rule
        return response

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if path.endswith(".js"):  # a Windows registry may know another type
            response.headers["Content-Type"] = "text/javascript; charset=utf-8"
        return response


def routes() -> list[BaseRoute]:
    """Everything the page loads besides Gradio's own: from this host, under ``own/``."""
    return [
        Route("/own/export", _export),
        *lesson_routes.routes(),
        Route("/own/traces", _shelf),
        Route("/own/traces/{name}", _recorded, middleware=SMALLER),
        Route("/own/plotly/{path:path}", Files(PLOTLY, YEAR)),
        Route("/own/player/{path:path}", Files(ASSETS / "player")),
    ]


def player() -> gr.HTML:
    """The stage: a template that never changes, and the script that fills it."""
    stage = (ASSETS / "stage.html").read_text(encoding="utf-8")
    return gr.HTML(
        "",
        html_template=stage.replace("PLOTLY_VERSION", plotly.__version__),
        js_on_load=(ASSETS / "player" / "boot.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id="stage",
    )


def part(name: str, on_load: str | None = None) -> gr.HTML:
    """A part of the page that the player fills and that stands outside the stage.

    Args:
        on_load: script for when it is there; a tab's parts come when it is first opened.
    """
    text = (ASSETS / f"{name}.html").read_text(encoding="utf-8")
    return gr.HTML(
        "", html_template=text, js_on_load=on_load, apply_default_css=False, elem_id=name
    )


def css() -> str:
    """The style sheet; its colours are the figures' own."""
    sheets = (
        "stage.css",
        "pauses.css",
        "mask.css",
        "numbers.css",
        "tabs.css",
        "proof.css",
        "race.css",
        "lessons.css",
        "lesson_figure.css",
        "touch.css",
    )
    return css_variables() + "".join((ASSETS / s).read_text(encoding="utf-8") for s in sheets)


def _export(request: Request) -> Response:
    return PlainTextResponse(standalone.template())


def _shelf(request: Request) -> Response:
    return JSONResponse(traces.recorded())


def _recorded(request: Request) -> Response:
    try:
        return PlainTextResponse(traces.recorded_lines(request.path_params["name"]))
    except KeyError:
        return PlainTextResponse("There is no recorded run of that name.", status_code=404)
