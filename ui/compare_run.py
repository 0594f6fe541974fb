"""One comparison for one visitor, as the messages of its tab: a prompt, decoded in lanes.

The lanes are decoded one after another, never together, for they would slow each other; each
starts with an empty memory, so that none is drafted what another has written.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.config import DecodeConfig
from engine.cut_short import StoppedError
from engine.records import Round
from ui import messages, methods, settings
from viz import lanes as race
from viz.agreement import LaneText, agreement
from viz.run_name import tree_name
from viz.stage import Stage, header_message

LANES = 3  # beside plain decoding's
NONE = ""  # the method of a lane that is not there
OWN = ("method", "tree", "temperature", "drafting")  # what a lane may have of its own

IsCancelled = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class CompareWish:
    """What a visitor wants compared, checked; plain decoding is the first."""

    prompt: str
    configs: tuple[DecodeConfig, ...]
    numbers: tuple[int, ...]  # of the lanes, as they stand beside the widgets


def read(prompt: Any, values: dict[str, Any]) -> CompareWish:
    """Check everything that came from the browser.

    Args:
        values: ``temperature``, ``max_new_tokens`` and ``seed`` of all lanes; ``method1``,
            ``tree1``, ``temperature1`` and ``drafting1`` up to ``LANES`` of each.  An empty
            method is no lane, an empty temperature that of all.

    Raises:
        ValueError: one sentence that names the widget.
    """
    shared = {name: values[name] for name in ("temperature", "max_new_tokens", "seed")}
    plain = settings.read(prompt, settings.USUAL | shared | {"method": "plain"})
    configs = {1: plain.config}
    for lane in range(1, LANES + 1):
        own = {name: values[f"{name}{lane}"] for name in OWN}
        if own["method"] in (NONE, None):
            continue
        try:
            own["temperature"] = _temperature(own["temperature"], shared["temperature"])
            configs[lane + 1] = _lane_config(prompt, settings.USUAL | shared | own)
        except ValueError as error:
            raise ValueError(f"Lane {lane + 1}: {error}") from None
    if len(configs) == 1:
        raise ValueError("Choose a method for one lane at least.")
    if len(set(configs.values())) < len(configs):
        raise ValueError("Two lanes are the same: give one another method, tree or temperature.")
    return CompareWish(plain.prompt, tuple(configs.values()), tuple(configs))


def _temperature(text: Any, shared: float) -> float:
    """A lane's own, as it was written, or that of all."""
    words = str("" if text is None else text).strip()
    try:
        return float(words) if words else shared
    except ValueError:
        raise ValueError(f"Temperature must be a number, not {words[:40]!r}.") from None


def _lane_config(prompt: Any, values: dict[str, Any]) -> DecodeConfig:
    """One lane's settings, those left out that make no difference to it."""
    config = settings.read(prompt, values).config
    if config.method == "plain":
        config = replace(config, tree="auto")
    is_open = config.method in methods.HEADS and not config.is_greedy
    return config if is_open else replace(config, drafting="top")


def compare(
    decoder: Any, bundle: Any, wish: CompareWish, is_cancelled: IsCancelled
) -> Iterator[str]:
    """The messages of the lanes, one run after another.

    Raises:
        ValueError: it cannot be run; a sentence for the visitor.
    """
    for number, config in zip(wish.numbers, wish.configs, strict=True):
        if reason := methods.why_not(config.method, bundle.methods):
            raise ValueError(f"Lane {number}: {reason}")
    infos = _infos(wish)
    yield race.race_message(infos, wish.configs[0].max_new_tokens)
    lanes: list[LaneText] = []
    for info, config in zip(infos, wish.configs, strict=True):
        place = f"{len(lanes) + 1} of {len(infos)}"
        yield messages.status(f"{place}: {_small(info.label)}…")
        try:
            run = decoder.decode(bundle.for_visitor(), wish.prompt, config, is_cancelled)
        except StoppedError:
            yield race.over_message(agreement(lanes), f"Stopped before lane {info.number}.")
            return
        plain = _yardstick(lanes, config)
        rounds = yield from _lane(run, info, Path(bundle.source).name, plain, is_cancelled)
        lane = LaneText(info.run, info.number, config.temperature, rounds, run.end.is_whole)
        lanes.append(lane)
        if is_cancelled():
            yield race.over_message(agreement(lanes), f"Stopped at lane {info.number}.")
            return
    yield race.over_message(agreement(lanes), _uneven(wish))


def _yardstick(lanes: Sequence[LaneText], config: DecodeConfig) -> Sequence[Round]:
    """Plain decoding's rounds for a lane of the same law; none for another's."""
    is_fit = lanes and lanes[0].temperature == config.temperature
    return lanes[0].rounds if is_fit else ()


def _lane(
    run: Any, info: race.LaneInfo, source: str, plain: Sequence[Round], is_cancelled: IsCancelled
) -> Generator[str, None, list[Round]]:
    """The messages of one run, the same as on the stage; returns its rounds.

    Raises:
        ValueError: it could not go on; what there is of it has been sent.
    """
    rounds: list[Round] = []
    problem: ValueError | None = None
    stage = Stage(run.header, race.yardstick(plain, []) if plain else None)
    try:
        yield messages.tagged(header_message(run.header, "file", source), info.run)
        while not is_cancelled() and (this := next(run, None)) is not None:
            rounds.append(this)
            yield messages.tagged(stage.round_message(this), info.run)
    except ValueError as error:  # there is no room for a round: those before it are kept
        problem = error
    finally:
        run.close()
    is_measured = plain and run.end.is_whole
    end = replace(run.end, plain=race.yardstick(plain, rounds)) if is_measured else run.end
    yield messages.tagged(stage.end_message(end), info.run)
    if problem is not None:
        raise problem
    return rounds


def _infos(wish: CompareWish) -> list[race.LaneInfo]:
    """The lanes' names, and what sets them apart."""
    is_mixed = len({config.temperature for config in wish.configs}) > 1
    return [
        race.LaneInfo(
            messages.new_run(),
            number,
            config.method,
            methods.label_of(config.method),
            " · ".join(_settings(config, is_mixed)),
        )
        for number, config in zip(wish.numbers, wish.configs, strict=True)
    ]


def _uneven(wish: CompareWish) -> str:
    """What to say where lanes had unlike trees, so that more than the method sets them apart."""
    lanes = zip(wish.numbers, wish.configs, strict=True)
    drafting = [lane for lane in lanes if lane[1].method != "plain"]
    if len({config.tree for _, config in drafting}) < 2:
        return ""
    trees = [
        f"lane {number} {tree_name(config.method, config.tree)}" for number, config in drafting
    ]
    return f"The lanes had different trees: {', '.join(trees)}."


def _settings(config: DecodeConfig, is_mixed: bool) -> list[str]:
    """A lane's own settings; its temperature where lanes have several."""
    words = [
        "one token a pass" if config.method == "plain" else tree_name(config.method, config.tree)
    ]
    words += [f"T {config.temperature:g}"] if is_mixed else []
    return words + (["drawn"] if config.drafting == "sampled" else [])


def _small(label: str) -> str:
    """A label in the middle of a sentence."""
    return label[0].lower() + label[1:] if label[1:2].islower() else label
