"""A lesson as its file holds it, and the strict reading of one; plays nothing.

``assets/lessons/README.md`` describes the format for who writes a lesson.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from viz.numbers import TITLES

MAX_BYTES = 100_000
SENTENCES = (2, 4)  # of a stop's text: what one can say while the room looks
_END = re.compile(r"[.!?](?=[\s”]|$)")
_TYPED = re.compile(r"(?<![\w{@-])\d+(?:\.\d+)?(?![^{}]*\})")
_PLACEHOLDER = re.compile(r"\{([a-z]+(?:_[a-z0-9]+)*)(?:@([a-z0-9][a-z0-9-]*))?\}")

Panel = Literal["tree", "text", "judgement", "mask", "caches", "timeline"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")]
Line = Annotated[str, Field(min_length=1, max_length=120)]
Scalar = int | float | str
Range = Annotated[list[int | float | None], Field(min_length=2, max_length=2)]


class LessonError(ValueError):
    """A lesson that is not right; every line of the message names a stop and a field."""


class _Strict(BaseModel):
    """No field too many, nothing converted, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Stop(_Strict):
    """One frame of the stage and what is said beside it."""

    title: Line
    trace: Name
    round: Literal["first", "last", "later", "same", "next"] | Annotated[int, Field(ge=1)]
    phase: Literal["draft", "verify", "judge", "commit", "emit"]
    node: Literal["accepted", "rejected"] | Annotated[int, Field(ge=1)] | None = None
    spotlight: Annotated[list[Panel], Field(min_length=1, max_length=6)]
    text: Annotated[str, Field(min_length=1, max_length=700)]
    table: Annotated[list[tuple[Line, Line]], Field(max_length=6)] = []
    expect: dict[str, Scalar | Range] = {}
    ask: Literal["verdict"] | None = None
    figure: str | None = None  # about the whole run, one of the Numbers tab's

    @field_validator("figure")
    @classmethod
    def _is_drawn(cls, name: str | None) -> str | None:
        if name is not None and name not in TITLES:
            raise ValueError(f"there is no figure {name[:40]!r}; there are {', '.join(TITLES)}")
        return name

    @field_validator("table", mode="before")
    @classmethod
    def _rows(cls, value: Any) -> Any:
        """JSON has no tuples."""
        is_rows = isinstance(value, list) and all(isinstance(row, list) for row in value)
        return [tuple(row) for row in value] if is_rows else value

    @field_validator("text")
    @classmethod
    def _is_said(cls, text: str) -> str:
        low, high = SENTENCES
        if not low <= len(_END.findall(text)) <= high:
            raise ValueError(f"{low} to {high} sentences, not {len(_END.findall(text))}")
        return text

    @field_validator("text", "table")
    @classmethod
    def _types_no_number(cls, value: Any) -> Any:
        for text in [value] if isinstance(value, str) else [cell for row in value for cell in row]:
            if typed := _TYPED.search(text):
                raise ValueError(f"the number {typed[0]} is typed in: name it by a placeholder")
            if "{" in (rest := _PLACEHOLDER.sub("", text)) or "}" in rest:
                raise ValueError("a brace that belongs to no placeholder such as {accepted}")
        return value

    @field_validator("spotlight")
    @classmethod
    def _once(cls, panels: list[str]) -> list[str]:
        if len(set(panels)) < len(panels):
            raise ValueError("a panel is named twice")
        return panels

    @model_validator(mode="after")
    def _fits(self) -> "Stop":
        if self.node is not None and self.phase != "judge":
            raise ValueError("node: only the phase 'judge' has a node in hand")
        if self.ask and self.node is None:
            raise ValueError("ask: needs the phase 'judge' and a node")
        if self.figure and "tree" in self.spotlight and {"judgement", "mask"} & {*self.spotlight}:
            raise ValueError(
                "figure: stands in the tree's place or, beside a tree in the spotlight, in that of "
                "judgement and mask: leave one of them out of the spotlight"
            )
        return self


class Lesson(_Strict):
    """A title, one sentence on what it is about, and three to eight stops."""

    number: Annotated[int, Field(ge=1, le=99)]
    title: Line
    about: Annotated[str, Field(min_length=1, max_length=200)]
    stops: Annotated[list[Stop], Field(min_length=3, max_length=8)]


def read(path: Path) -> Lesson:
    """The lesson in a file, checked as far as that goes without its traces.

    Raises:
        LessonError: one line a mistake, each with stop (counted from 1) and field.
    """
    try:
        data = path.read_bytes()
        if len(data) > MAX_BYTES:
            raise LessonError(f"the file has {len(data):,} bytes; at most {MAX_BYTES:,} are read")
        return Lesson.model_validate(json.loads(data.decode("utf-8"), parse_constant=_refuse))
    except OSError as error:
        raise LessonError(f"the file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise LessonError("the file is not UTF-8 text") from None
    except RecursionError:
        raise LessonError("the file is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise LessonError(f"not JSON: {error}") from None
    except ValidationError as error:
        raise LessonError("\n".join(dict.fromkeys(_mistakes(error)))) from None


def placeholders(text: str) -> list[tuple[str, str]]:
    """Name and trace ("" for the stop's own) of every placeholder."""
    return _PLACEHOLDER.findall(text)


def filled(text: str, values: dict[tuple[str, str], str]) -> str:
    """``text`` with its placeholders replaced, whatever the values look like."""
    return _PLACEHOLDER.sub(lambda found: values[found[1], found[2] or ""], text)


def _mistakes(error: ValidationError) -> Iterator[str]:
    for found in error.errors(include_url=False):
        message = found["msg"].removeprefix("Value error, ")
        yield f"{_place(found['loc'])}{message[0].lower()}{message[1:]}"


def _place(location: tuple[int | str, ...]) -> str:
    """``("stops", 1, "spotlight", 0)`` as "stop 2, spotlight: "."""
    names = [part for part in location if isinstance(part, str)]
    if location[:1] == ("stops",) and len(location) > 1:
        field = f", {names[1]}" if len(names) > 1 else ""
        return f"stop {int(location[1]) + 1}{field}: "
    return f"{names[0]}: " if names else ""


def _refuse(name: str) -> None:
    raise LessonError(f"not JSON: {name} is no number")
