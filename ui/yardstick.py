"""Plain decoding of a finished run's prompt: what the run's speed is measured against.

As ``engine.decoding.measure_plain``, but for a visitor, who may leave in the middle of it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from engine.config import DecodeConfig
from engine.records import Yardstick


def measure(
    plain: Any, tokens: tuple[int, ...], is_cancelled: Callable[[], bool]
) -> Yardstick | None:
    """Play ``plain`` to its end and compare it with the run's tokens.

    Args:
        plain: a run by plain decoding with as many tokens.
    """
    seconds, made = 0.0, []
    try:
        for this in plain:
            seconds += this.seconds.total
            made += this.emitted.token
            if is_cancelled():
                return None
    finally:
        plain.close()
    pairs = list(zip(tokens, made, strict=False))
    same = next((i for i, (ours, theirs) in enumerate(pairs) if ours != theirs), len(pairs))
    return Yardstick(len(made), round(seconds, 6), same)


def plainly(config: DecodeConfig, count: int) -> DecodeConfig:
    """The same settings for plain decoding of ``count`` tokens."""
    return replace(config, method="plain", max_new_tokens=max(1, count))
