"""Trains the drafters from the target's own answers; nothing in ``engine`` depends on it.

Two steps, each resumable: ``python -m train.collect`` reads the corpus through the target
once and keeps what it said at every position; ``python -m train.draft`` teaches a drafter
from that.  Everything on the way lies in the ignored folder ``runs/``.
"""
