"""Traces from files as the messages a live run sends: recorded ones and a visitor's own."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from engine.trace import Trace, TraceError
from ui import messages
from ui.methods import label_of
from viz.run_name import settings_of
from viz.stage import Stage, header_message

FOLDER = Path(__file__).parents[1] / "assets" / "traces"
AT_ONCE = 32  # rounds in one value: few values, and none of them large
FIRST = "eagle-code"
STORIES = {
    "eagle-code": "A recorded run above temperature 0: EAGLE's layer draws a tree of ten tokens"
    " for every pass of the target; code it guesses so well that three of them are kept.",
    "lookup-copy": "A recorded run: the answer repeats the prompt, so eight tokens at a time can"
    " be looked up there; from the second round on one pass of the target keeps them all.",
    "lookup-sky": "A recorded run: the answer hardly repeats the prompt, so there is next to"
    " nothing to look up.",
    "suffix-three-times": "A recorded run: at first little can be drafted; the more the text"
    " repeats itself, the longer the branches that are kept.",
    "plain-sky": "A recorded run without speculation: a pass, a token. What all others are"
    " measured by.",
    "chain-cold": "A recorded run: a small model drafts three tokens in a row; the first one that"
    " the target would not have chosen ends the round.",
    "chain-warm": "A recorded run above temperature 0: a token is kept with the chance p / q, and"
    " what replaces a rejected one is drawn from the residual.",
    "chain-cool": "A recorded run: a small model drafts three tokens in a row at temperature 0.",
    "chain-hot": "A recorded run: the same prompt, drafter and chain at temperature 0.8, where"
    " fewer of the drafted tokens are kept.",
    "draft-tree-sky": "A recorded run: a small model drafts a tree; siblings are judged in turn,"
    " and what replaces the rejected ones is drawn from the residual.",
    "wide-tree": "A recorded run: six first tokens with four below each. A pass over 31 nodes cost"
    " more than two of one node, and brought about two tokens.",
    "medusa-story": "A recorded run: a head for each level, and none knows what the others say:"
    " tokens that stand in a row seldom belong together.",
    "hydra-story": "A recorded run of the prompt that Medusa was given: every head reads the tokens"
    " drafted before its own, and longer paths are kept.",
    "eagle-story": "A recorded run of the prompt that Medusa and Hydra were given: one layer goes"
    " from feature to feature, with a cache of its own.",
}
EMPTY = "it holds no round of its run."
MOST_ROUNDS = 4096  # of a file: no run of the page has more; far longer ones take minutes to draw
CUT = "The file was cut short: this is what it holds."


def recorded() -> list[dict[str, str | bool]]:
    """Every trace that ships with the page: name, title, what is seen, which one plays first."""
    return [
        {
            "name": path.stem,
            "title": _title(path, path.stat().st_mtime_ns),
            "story": STORIES.get(path.stem, ""),
            "first": path.stem == FIRST,
        }
        for path in sorted(FOLDER.glob("*.jsonl"))
    ]


def recorded_lines(name: str) -> str:
    """A recorded trace as lines of messages.

    Raises:
        KeyError: there is none of that name.
    """
    paths = {path.stem: path for path in FOLDER.glob("*.jsonl")}
    return _lines(paths[name], paths[name].stat().st_mtime_ns)


def open_file(path: str | None) -> Iterator[str]:
    """An uploaded file as values for the player, or the reason why it is none."""
    if path is None:
        return
    yield messages.status("Reading the file.")
    try:
        _check_length(Path(path))
        trace = Trace.load(path)
    except (TraceError, OSError) as error:
        yield messages.problem(f"This file cannot be opened: {error}")
        return
    if not trace.rounds:
        yield messages.problem(f"This file cannot be opened: {EMPTY}")
        return
    pending: list[str] = []
    for message in _messages(trace, messages.new_run(), Path(path).name):
        pending.append(message)
        if len(pending) == AT_ONCE:
            yield "\n".join(pending)
            pending = []
    yield "\n".join(pending)


def _check_length(path: Path) -> None:
    """Refuse a file of too many lines before any of them is read as more than that."""
    with path.open("rb") as file:
        lines = sum(1 for _ in file)
    if lines > MOST_ROUNDS + 2:  # header and end
        raise TraceError(
            f"it has about {lines:,} rounds; the page plays up to {MOST_ROUNDS:,} (in a notebook,"
            " Trace.load reads more)."
        )


def _messages(trace: Trace, run: str, name: str) -> Iterator[str]:
    """Header, rounds and end; JSON has no line breaks in it, so a line is a message."""
    stage = Stage(trace.header, trace.end.plain if trace.end else None)
    yield messages.tagged(header_message(trace.header, "file", name), run)
    for this in trace.rounds:
        yield messages.tagged(stage.round_message(this), run)
    yield messages.tagged(stage.end_message(trace.end), run)
    if not trace.is_whole:
        yield messages.status(CUT)


@lru_cache(maxsize=16)
def _lines(path: Path, modified: int) -> str:
    """Drawn once, and again once the file is another one."""
    return "\n".join(_messages(Trace.load(path), path.stem, path.stem))


@lru_cache(maxsize=64)
def _title(path: Path, modified: int) -> str:
    """Read once, and again once the file is another one: a page load must not cost a run time."""
    header = Trace.load(path).header
    words = " ".join(header.prompt.split())
    short = words if len(words) <= 44 else words[:43] + "…"
    told = settings_of(header)[:1]  # the temperature: two runs may differ by it alone
    return " · ".join([f"{label_of(header.method)}: {short}", *told])
