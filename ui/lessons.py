"""The lessons that ship: checked against their traces, their numbers filled in.

``python -m ui.lessons FILE...`` checks lesson files and names every mistake in them.
"""

import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.trace import Trace, TraceError
from ui import traces
from ui.lesson import Lesson, LessonError, read
from ui.lesson_stop import MissingTrace, Played, place, played

FOLDER = Path(__file__).parents[1] / "assets" / "lessons"


class Shelf(Mapping[str, Trace]):
    """The recorded traces by name, read when they are asked for."""

    def __getitem__(self, name: str) -> Trace:
        path = traces.FOLDER / f"{name}.jsonl"
        try:
            return _trace(path, path.stat().st_mtime_ns)
        except FileNotFoundError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(path.stem for path in traces.FOLDER.glob("*.jsonl")))

    def __len__(self) -> int:
        return len(list(iter(self)))


def on_stage(
    lesson: Lesson, shelf: Mapping[str, Trace]
) -> tuple[list[Played], list[str], set[str]]:
    """Every stop that can be played, every mistake, and the traces that are missing."""
    found: list[Played] = []
    mistakes: list[str] = []
    missing: set[str] = set()
    before = None
    for number, stop in enumerate(lesson.stops, start=1):
        try:
            before = place(stop, shelf, before)
            found.append(played(stop, before, shelf))
        except MissingTrace as error:
            missing.add(error.name)
            mistakes.append(f"stop {number}, {error}")
        except (ValueError, TraceError) as error:
            mistakes.append(f"stop {number}, {error}")
    return found, mistakes, missing


def recorded() -> list[dict[str, Any]]:
    """Every lesson file for the list: what it is about, and why it cannot be played, if so."""
    rows: list[dict[str, Any]] = []
    for path in sorted(FOLDER.glob("*.json")):
        row = _row(path)
        twin = next((other for other in rows if other["number"] == row["number"]), None)
        if twin and row["number"]:
            why = f"number: {row['number']} is {twin['file']}'s already"
            row |= {"number": None, "problem": _mistake(path, why)}
        rows.append(row)
    return sorted(rows, key=lambda row: (row["number"] is None, row["number"], row["title"]))


def lesson_message(asked: int | str) -> dict[str, Any]:
    """One lesson for the browser.

    Args:
        asked: its number, as it stands in the address.

    Raises:
        LessonError: the sentence that the page shows.
    """
    rows = recorded()
    text = str(asked)
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None
    known = [row["number"] for row in rows if row["number"] is not None]
    row = next((row for row in rows if number is not None and row["number"] == number), None)
    if row is None:
        raise LessonError(f"There is no lesson {text[:20]!r}; there are {_listed(known)}.")
    if row["problem"]:
        raise LessonError(row["problem"])
    lesson = read(FOLDER / row["file"])
    stops, _, _ = on_stage(lesson, Shelf())
    return {"number": number, "title": lesson.title, "stops": [stop._asdict() for stop in stops]}


def check(path: Path) -> list[str]:
    """Every mistake in a file."""
    try:
        lesson = read(path)
    except LessonError as error:
        return str(error).split("\n")
    return on_stage(lesson, Shelf())[1]


def main(paths: list[str]) -> int:
    """The checker: one line a mistake; the number of files that have one."""
    wrong = 0
    for path in map(Path, paths):
        mistakes = check(path)
        wrong += bool(mistakes)
        for mistake in mistakes or ["right"]:
            print(f"{path}: {mistake}")
    return wrong


def _row(path: Path) -> dict[str, Any]:
    row = {"file": path.name, "number": None, "title": path.name, "about": "", "stops": 0}
    try:
        lesson = read(path)
    except LessonError as error:
        return row | {"problem": _mistake(path, str(error).split("\n")[0])}
    row |= {"number": lesson.number, "title": lesson.title, "about": lesson.about}
    _, mistakes, missing = on_stage(lesson, Shelf())
    problem = ""
    if missing:
        names = ", ".join(sorted(missing))
        problem = f"Lesson {lesson.number} needs its traces ({names}): `make traces` records them."
    elif mistakes:
        problem = _mistake(path, mistakes[0])
    return row | {"stops": len(lesson.stops), "problem": problem}


def _mistake(path: Path, what: str) -> str:
    return f"The lesson file {path.name} has a mistake: {what}."


def _listed(numbers: list[int]) -> str:
    return f"lessons {min(numbers)} to {max(numbers)}" if numbers else "none here"


@lru_cache(maxsize=16)
def _trace(path: Path, modified: int) -> Trace:
    """Read once, and again once the file is another one."""
    return Trace.load(path)


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit("usage: python -m ui.lessons FILE...")
    sys.exit(min(main(sys.argv[1:]), 1))
