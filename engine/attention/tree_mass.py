"""How much of the nodes' attention fell on their tree, the rest being the prefix's; no torch."""

from dataclasses import dataclass

MAX_LAYERS = 1000


@dataclass(frozen=True, slots=True)
class TreeMass:
    """Of one layer of the target's verifying pass, the mean of its heads.

    A node's softmax runs over the prefix's slots, its ancestors and itself; ``share`` is the
    sum over the last two.
    """

    layer: int  # from 0
    share: tuple[float, ...]  # [N]

    def __post_init__(self) -> None:
        if not 0 <= self.layer < MAX_LAYERS:
            raise ValueError(f"there is no layer {self.layer}")
        if not all(0.0 <= share <= 1.0 for share in self.share):
            raise ValueError("a share of attention lies between 0 and 1")
