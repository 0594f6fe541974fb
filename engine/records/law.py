"""The distributions that a node's judgement was made by."""

from dataclasses import dataclass

from engine.columns import are_chances, are_ids, same_length

MAX_ENTRIES = 1024  # a few of the largest and the children's tokens are written


@dataclass(frozen=True, slots=True)
class Law:
    """The distributions met at one node of the judged path, their largest entries only.

    ``residual`` is what the next token would be drawn from had every tested child of the
    node been rejected; at the last node of the path it is what it *was* drawn from.
    """

    node: int
    token: tuple[int, ...]
    target: tuple[float, ...]  # p, as judged
    draft: tuple[float, ...]  # q, as judged (one-hot for a point mass)
    residual: tuple[float, ...]
    model: tuple[float, ...]  # the target's softmax before temperature and filters

    def __post_init__(self) -> None:
        same_length(self)
        if len(self.token) > MAX_ENTRIES:
            raise ValueError(f"a law has at most {MAX_ENTRIES} entries, not {len(self.token)}")
        are_ids("token", self.token)
        for name in ("target", "draft", "residual", "model"):
            are_chances(name, getattr(self, name))
