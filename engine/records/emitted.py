"""What a round gave the text."""

from dataclasses import dataclass
from typing import Literal

from engine.columns import are_ids, same_length

Origin = Literal["accepted", "recovered", "bonus", "sampled"]


@dataclass(frozen=True, slots=True)
class Emitted:
    """The tokens a round appended to the text; ``text`` joins to the text itself."""

    token: tuple[int, ...]
    origin: tuple[Origin, ...]
    text: tuple[str, ...]  # "" while a character is still incomplete

    def __post_init__(self) -> None:
        same_length(self)
        are_ids("token", self.token)

    def __len__(self) -> int:
        return len(self.token)
