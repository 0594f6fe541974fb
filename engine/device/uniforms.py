"""The random numbers of one round on the device: those of the ordinary loop, in its order.

The host draws them before it knows how many the drafter will use: siblings may be fewer than
planned.  What was drawn too many is drawn again in the next round.
"""

import torch

from engine.device.tree_buffers import TreeBuffers


class Uniforms:
    """Drawn into ``tree`` before it is sent.

    Args:
        rng: the run's own.
        count: nodes of the tree, each to be judged with one.
        drafted: of them those whose tokens are drawn on the device, before they are judged.
    """

    def __init__(self, tree: TreeBuffers, rng: torch.Generator, count: int, drafted: int) -> None:
        self._rng = rng
        self._before = rng.get_state() if drafted else None
        self._drawn = tree.draw(count, rng, drafted)

    def judged(self, used: int, count: int) -> list[float]:
        """[N] those that ``count`` nodes were judged with; the generator then stands behind them.

        Args:
            used: those that tokens were drawn with.
        """
        if self._before is None:
            return self._drawn[:count]
        if used + count < len(self._drawn):
            self._rng.set_state(self._before)
            torch.rand(used + count, generator=self._rng, dtype=torch.float64)
        return self._drawn[used : used + count]
