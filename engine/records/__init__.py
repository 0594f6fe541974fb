"""The records of a round: what a trace holds of it, and all that a figure may know.

Frozen data without tensors: written, read, compared and drawn where neither torch nor a
model is installed.  Columns rather than rows hold what there is much of (nodes,
distributions): that is what a file wants to store and a figure wants to draw.
"""

from engine.records.cache_step import CacheStep
from engine.records.emitted import Emitted, Origin
from engine.records.law import Law
from engine.records.nodes import Nodes, Verdict
from engine.records.round import Round
from engine.records.seconds import Seconds

__all__ = ["CacheStep", "Emitted", "Law", "Nodes", "Origin", "Round", "Seconds", "Verdict"]
