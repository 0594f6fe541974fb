"""EAGLE-3 (Li et al., 2025, arXiv 2503.01840): a head on three fused states of the target.

It drafts a dynamic tree as EAGLE-2 does.  What differs lies in its head: the features fuse an
early, a middle and a late state, it was trained on its own predictions, and its law is over
the most frequent tokens only, so that a level costs little.
"""

from engine.drafters.eagle2 import Eagle2, build_eagle2
from engine.drafters.order import Order
from engine.planning.level_planner import LevelPlanner


class Eagle3(Eagle2):
    """As EAGLE-2, deeper: its predictions stay true for longer."""

    max_depth = 8


def build_eagle3(order: Order) -> tuple[LevelPlanner, Eagle3]:
    """The planner and the drafter of one run, which has read the prompt."""
    return build_eagle2(order, Eagle3)
