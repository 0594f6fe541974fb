"""A whole run, and the JSON Lines file it is kept in.

One header line, one line a round, one end line.  A file is somebody else's data: sizes are
bounded, types checked, and nothing in it is ever run or taken for markup.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from secrets import token_hex
from typing import Any, BinaryIO

import engine  # its ``decode`` is looked up when a run is recorded: reading needs no torch
from engine import schema
from engine.records import Round
from engine.run_facts import End, Header

VERSION = 1
MAX_BYTES = 64 * 2**20
MAX_LINE = 8 * 2**20  # bytes; a header holds a prompt of 100,000 tokens
MAX_ROUNDS = 20_000


class TraceError(ValueError):
    """A trace file that cannot be read: the message names the line and what is wrong."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A header, the rounds, and an end (``None`` where the file was cut short)."""

    header: Header
    rounds: tuple[Round, ...]
    end: End | None = None

    @property
    def token_ids(self) -> tuple[int, ...]:
        """What was generated, the prompt left out."""
        return tuple(chain.from_iterable(this.emitted.token for this in self.rounds))

    @property
    def text(self) -> str:
        """The generated text."""
        return "".join(chain.from_iterable(this.emitted.text for this in self.rounds))

    @property
    def is_whole(self) -> bool:
        """Whether the run ended, rather than its file."""
        return self.end is not None

    @classmethod
    def record(cls, bundle: Any, prompt: Any, config: Any = None) -> "Trace":
        """Decode to the end; arguments as for ``decode``, errors too, and as for ``of``."""
        return cls.of(engine.decode(bundle, prompt, config))

    @classmethod
    def of(cls, run: Any) -> "Trace":
        """Play ``run`` to its end.  Where it cannot go on, that is its end.

        Raises:
            CutShortError: before the first round was over.
        """
        rounds: list[Round] = []
        try:
            rounds.extend(run)  # keeps what it was given before an error
        except engine.CutShortError:
            if not rounds:
                raise
        return cls(run.header, tuple(rounds), run.end)

    def save(self, path: str | Path) -> None:
        """Write the file; it appears whole or not at all, whoever else writes it meanwhile.

        Raises:
            TraceError: it, or a line of it, would be larger than what ``load`` reads.
            OSError: there is no such folder, or no room in it; nothing is left there.
        """
        path = Path(path)
        lines = [f"{line}\n".encode() for line in self.lines()]
        _check_size(sum(map(len, lines)))
        if (longest := max(map(len, lines))) > MAX_LINE:
            raise TraceError(f"a line has {longest:,} bytes; at most {MAX_LINE:,} are read")
        _write_whole(path, b"".join(lines))

    def lines(self) -> Iterator[str]:
        """The file's lines, without their ends."""
        for record in (self.header, *self.rounds, *([self.end] if self.end else [])):
            yield to_line(record)

    @classmethod
    def load(cls, path: str | Path) -> "Trace":
        """Read a file; one that was cut short gives its whole rounds and no end.

        Raises:
            TraceError: names line and reason.
            OSError: there is no such file, or it is a folder.
        """
        path = Path(path)
        _check_size(path.stat().st_size)
        with path.open("rb") as file:
            return _read(file)


def to_line(record: Header | Round | End) -> str:
    """One record as one line of JSON."""
    return json.dumps(
        schema.plain(record), ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )


def _write_whole(path: Path, data: bytes) -> None:
    """Put ``data`` in the place of ``path``'s file by way of a draft that no other writer has."""
    draft = path.with_name(f"{path.name}.{token_hex(8)}.part")
    try:
        draft.write_bytes(data)  # not by tempfile: what that makes, only its owner may read
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _check_size(size: int) -> None:
    """Refuse a file of more bytes than are ever read."""
    if size > MAX_BYTES:
        raise TraceError(f"the file has {size >> 20} MiB; at most {MAX_BYTES >> 20} are read")


def _read(file: BinaryIO) -> Trace:
    """Header, rounds, end; the last line may be missing or cut."""
    header: Header | None = None
    rounds: list[Round] = []
    end: End | None = None
    for number, line in enumerate(iter(lambda: file.readline(MAX_LINE + 1), b""), start=1):
        if len(line) > MAX_LINE:
            raise TraceError(f"line {number}: longer than {MAX_LINE} bytes")
        if end is not None:
            raise TraceError(f"line {number}: the file goes on after its end")
        if not line.endswith(b"\n") and header is not None and not _is_json(line):
            break  # cut in the middle of its last line, perhaps of a character
        value = _parse(line, number)
        if header is None:
            header = _header(value, number)
        elif isinstance(value, dict) and "reason" in value:
            end = _end(value, number, rounds)
        else:
            rounds.append(_round(value, number, header, rounds))
    if header is None:
        raise TraceError("line 1: the file is empty")
    return Trace(header, tuple(rounds), end)


def _header(value: Any, number: int) -> Header:
    version = value.get("version") if isinstance(value, dict) else None
    if version != VERSION:
        raise TraceError(
            f"line {number}: not a trace of version {VERSION}: version {version!r:.40}"
        )
    return _checked(Header, value, number)


def _round(value: Any, number: int, header: Header, before: list[Round]) -> Round:
    if len(before) >= MAX_ROUNDS:
        raise TraceError(f"line {number}: more than {MAX_ROUNDS} rounds")
    this = _checked(Round, value, number)
    if this.index != len(before):
        raise TraceError(f"line {number}: round {this.index} where {len(before)} was expected")
    last = before[-1] if before else None
    start = last.start + len(last.emitted) if last else len(header.prompt_token)
    if this.start != start:
        raise TraceError(f"line {number}: starts at {this.start}, after {start} tokens")
    return this


def _end(value: Any, number: int, rounds: list[Round]) -> End:
    end, made = _checked(End, value, number), sum(len(this.emitted) for this in rounds)
    for told, found, what in ((end.rounds, len(rounds), "rounds"), (end.tokens, made, "tokens")):
        if told != found:
            raise TraceError(f"line {number}: the end counts {told} {what}, the file {found}")
    return end


def _checked(kind: type, value: Any, number: int) -> Any:
    try:
        return schema.read(kind, value)
    except ValueError as error:
        raise TraceError(f"line {number}: {error}") from None


def _is_json(line: bytes) -> bool:
    try:
        _parse(line, 0)
    except TraceError:
        return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; of a key that stands there twice, no reader can tell which is meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"{twice!r:.60} stands there twice")
    return found


def _parse(line: bytes, number: int) -> Any:
    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no number")

    try:
        text = line.decode("utf-8").strip(" \t\r\n")
        return json.loads(text, parse_constant=refuse, object_pairs_hook=_object)
    except UnicodeDecodeError:
        raise TraceError(f"line {number}: not UTF-8 text") from None
    except RecursionError:
        raise TraceError(f"line {number}: nested too deeply") from None
    except json.JSONDecodeError as error:  # its own words count lines within this one
        raise TraceError(f"line {number}: not JSON: {error.msg}, column {error.pos + 1}") from None
    except ValueError as error:
        raise TraceError(f"line {number}: not JSON: {error}") from None
