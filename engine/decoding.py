"""``decode`` hands out a run, which yields its rounds; ``measure_plain`` is the yardstick."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from engine.bundle import Bundle
from engine.common_prefix import common_prefix
from engine.config import DecodeConfig
from engine.cut_short import StoppedError
from engine.device.run import StaticRun, say_waiting, why_not_static
from engine.run import Run
from engine.run_facts import Yardstick

_say_once = cache(say_waiting)  # a process, for each reason


def decode(
    bundle: Bundle,
    prompt: str | Sequence[int],
    config: DecodeConfig | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Run:
    """Read the prompt and return the run; its rounds are decoded as they are asked for.

    Args:
        is_cancelled: asked between the passes over the prompt, which may be long.

    Raises:
        StoppedError: ``is_cancelled`` said so before the prompt was read.
        ValueError: the prompt is empty, too long or not text, or the method is not available;
            the message is written for the user.
        NoRoomError: a ``ValueError`` too: memory does not hold the prompt or a cache.  A round
            may raise it as well; those before it stand, and the run has its ``end``.
    """
    config = config or DecodeConfig()
    return _kind(bundle, config)(bundle, prompt, config, is_cancelled=is_cancelled)


def measure_plain(
    bundle: Bundle,
    prompt: str | Sequence[int],
    config: DecodeConfig,
    tokens: Sequence[int],
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Yardstick | None:
    """Decode the prompt of a finished run plainly, in this process, to as many tokens.

    Args:
        config: of the run.
        tokens: what the run generated.
        is_cancelled: asked between passes; a measurement that was cut short is none.
    """
    # by the usual rule: the two are one where nothing is drafted, and the device's loop knows it
    told = dict(method="plain", rule="recursive", max_new_tokens=max(1, len(tokens)))
    as_plain = replace(config, **told)
    try:
        run = decode(bundle.for_visitor(), prompt, as_plain, is_cancelled)  # not to be remembered
    except StoppedError:
        return None
    seconds = verify = 0.0
    for this in run:
        seconds, verify = seconds + this.seconds.total, verify + this.seconds.verify
        if is_cancelled():
            run.close()
            return None
    same = common_prefix(tokens, run.generated)
    return Yardstick(len(run.generated), round(seconds, 6), same, round(verify, 6))


def _kind(bundle: Bundle, config: DecodeConfig) -> type[Run]:
    """The ordinary loop, or the device's own where that was chosen and can be."""
    if not bundle.is_static:
        return Run
    if (reason := why_not_static(bundle, config)) is not None:
        _say_once(reason)
        return Run
    return StaticRun
