"""Several runs of one prompt as the lanes of a race: what the page needs beside their messages."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from engine.common_prefix import common_prefix
from engine.proof.equality import tokens_of
from engine.records import Round
from engine.run_facts import Yardstick
from viz import theme
from viz.agreement import Agreement
from viz.facts import UNSTEADY


class LaneInfo(NamedTuple):
    """One lane: whose run it is, and what it is called."""

    run: str
    number: int  # as it stands beside the widgets
    method: str
    label: str
    settings: str


def race_message(lanes: Sequence[LaneInfo], tokens: int) -> str:
    """What is going to be decoded, plain decoding first.

    Args:
        tokens: that a lane may write at the most.
    """
    return _packed(
        {
            "kind": "race",
            "lanes": [lane._asdict() for lane in lanes],
            "tokens": tokens,
            "unsteady": UNSTEADY,
            "legend": theme.legend(),
        }
    )


def over_message(found: Agreement, note: str = "") -> str:
    """No more lane comes: how the texts agree; what there is can be played."""
    lanes = [lane._asdict() for lane in found.lanes]
    return _packed(
        {"kind": "over", "note": note, "says": found.says, "holds": found.holds, "lanes": lanes}
    )


def yardstick(plain: Sequence[Round], rounds: Sequence[Round]) -> Yardstick:
    """Plain decoding's lane, for the speed-up of another one."""
    ours, theirs = tokens_of(rounds), tokens_of(plain)
    seconds = sum(this.seconds.total for this in plain)
    verify = sum(this.seconds.verify for this in plain)
    same = common_prefix(ours, theirs)
    return Yardstick(len(theirs), round(seconds, 6), same, round(verify, 6))


def _packed(message: dict[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
