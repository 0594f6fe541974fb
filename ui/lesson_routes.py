"""What the browser asks for when lessons are opened: the list, and one lesson with its numbers."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ui import lessons
from ui.lesson import LessonError


def routes() -> list[BaseRoute]:
    """Under ``own/``, as all that the page loads."""
    return [Route("/own/lessons", _list), Route("/own/lessons/{number}", _lesson)]


def _list(request: Request) -> Response:
    return JSONResponse(lessons.recorded())


def _lesson(request: Request) -> Response:
    """The lesson, or in its place the sentence that the page shows."""
    try:
        return JSONResponse(lessons.lesson_message(request.path_params["number"]))
    except LessonError as error:
        return JSONResponse({"problem": str(error)})
