"""Runs that cannot go on: errors to catch, whose message is for the user.

The rounds before stand, and the run's end says why there are no more.
"""

from math import isfinite
from typing import ClassVar

from engine.run_facts import Reason


class CutShortError(ValueError):
    """A run that cannot go on; the message is written for the user."""

    reason: ClassVar[Reason]  # what its end is recorded as


class StoppedError(Exception):
    """Somebody stopped what was not whole yet, such as a run whose prompt was still read."""


class NotFiniteError(CutShortError):
    """The target's logits were infinite or no numbers: there is no law to judge by."""

    reason = "not_finite"


def check_finite(top: float) -> None:
    """Let no token come from logits that are no numbers.

    Args:
        top: the largest logit behind the judged nodes; NaN where any of them is.

    Raises:
        NotFiniteError: it is NaN or infinite.
    """
    if not isfinite(top):
        raise NotFiniteError(
            f"The target's logits came out as {top}: its weights are damaged, or its numbers are "
            'too large for its dtype (float16 ends at 65,504; try "bfloat16" or "float32").'
        )
