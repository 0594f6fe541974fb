"""Trains the drafters from the target's own answers; nothing in ``engine`` depends on it.

``python -m train`` does every step, each resumable: ``python -m train.collect replies`` reads
answers through the target once and keeps what it said at every position, ``train.generate`` lets
it write more, ``train.draft`` and ``train.heads KIND`` teach a drafter from that, and
``train.card`` and ``train.ship KIND`` measure it and write it to ``assets/drafters``, over what is
there.  The corpus is not part of this project (``--corpus``); everything on the way lies in the
ignored folder ``runs/``.
"""
