"""One comparison for one visitor, as the messages of its tab: a prompt, decoded in lanes.

The lanes are decoded one after another, never together, for they would slow each other; each
starts with an empty memory, so that none is drafted what another has written.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.config import DecodeConfig
from engine.records import Round
from ui import messages, methods, settings
from viz import lanes as race
from viz.stage import Stage, header_message

LANES = 3  # beside plain decoding's
NONE = ""  # the method of a lane that is not there

IsCancelled = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class CompareWish:
    """What a visitor wants compared, checked; plain decoding is the first."""

    prompt: str
    configs: tuple[DecodeConfig, ...]


def read(prompt: Any, values: dict[str, Any]) -> CompareWish:
    """Check everything that came from the browser.

    Args:
        values: ``temperature``, ``max_new_tokens`` and ``seed`` of all lanes, ``method1`` and
            ``tree1`` up to ``LANES`` of each; an empty method is no lane.

    Raises:
        ValueError: one sentence that names the widget.
    """
    shared = {name: values[name] for name in ("temperature", "max_new_tokens", "seed")}
    plain = settings.read(prompt, settings.USUAL | shared | {"method": "plain"})
    configs = [plain.config]
    for lane in range(1, LANES + 1):
        method, tree = values[f"method{lane}"] or NONE, values[f"tree{lane}"]
        if method == NONE:
            continue
        try:
            wish = settings.read(prompt, settings.USUAL | shared | {"method": method, "tree": tree})
        except ValueError as error:
            raise ValueError(f"Lane {lane + 1}: {error}") from None
        configs.append(wish.config)
    if len(configs) == 1:
        raise ValueError("Choose a method for one lane at least.")
    if len(set(configs)) < len(configs):
        raise ValueError("Two lanes are the same: give one another method or tree.")
    return CompareWish(plain.prompt, tuple(configs))


def compare(
    decoder: Any, bundle: Any, wish: CompareWish, is_cancelled: IsCancelled
) -> Iterator[str]:
    """The messages of the lanes, one run after another.

    Raises:
        ValueError: it cannot be run; a sentence for the visitor.
    """
    for lane, config in enumerate(wish.configs, start=1):
        if reason := methods.why_not(config.method, bundle.methods):
            raise ValueError(f"Lane {lane}: {reason}")
    infos = [_info(config) for config in wish.configs]
    first = wish.configs[0]
    yield race.race_message(infos, first.temperature, first.max_new_tokens)
    plain: list[Round] = []
    for number, (info, config) in enumerate(zip(infos, wish.configs, strict=True), start=1):
        yield messages.status(f"{number} of {len(infos)}: {_small(info.label)}…")
        run = decoder.decode(bundle.for_visitor(), wish.prompt, config)
        rounds = yield from _lane(run, info, Path(bundle.source).name, plain, is_cancelled)
        if is_cancelled():
            yield race.over_message(f"Stopped at lane {number} of {len(infos)}.")
            return
        plain = plain or rounds
    yield race.over_message()


def _lane(
    run: Any, info: race.LaneInfo, source: str, plain: list[Round], is_cancelled: IsCancelled
) -> Generator[str, None, list[Round]]:
    """The messages of one run, the same as on the stage; returns its rounds."""
    rounds: list[Round] = []
    stage = Stage(run.header, race.yardstick(plain, []) if plain else None)
    try:
        yield messages.tagged(header_message(run.header, "file", source), info.run)
        for this in run:
            rounds.append(this)
            yield messages.tagged(stage.round_message(this), info.run)
            if is_cancelled():
                break
    finally:
        run.close()
    end = replace(run.end, plain=race.yardstick(plain, rounds)) if plain else run.end
    yield messages.tagged(stage.end_message(end), info.run)
    return rounds


def _info(config: DecodeConfig) -> race.LaneInfo:
    """A lane's name, and what sets it apart."""
    tree = "auto tree" if config.tree == "auto" else f"tree of {config.tree} nodes"
    words = "one token a pass" if config.method == "plain" else tree
    return race.LaneInfo(messages.new_run(), config.method, methods.label_of(config.method), words)


def _small(label: str) -> str:
    """A label in the middle of a sentence."""
    return label[0].lower() + label[1:] if label[1:2].islower() else label
