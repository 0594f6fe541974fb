"""The two kinds of proof above temperature 0: token by token, or a chain as one block."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from engine import proof
from engine.config import DecodeConfig
from engine.proof.results import Fit, Subject

STEP = 100  # verifications between two looks at the screen
DRAWING = ("draft", "draft_tree")  # methods whose chains a draft model draws

Met = Any  # a round that was met: the engine's own, with tensors


@dataclass(frozen=True, slots=True)
class Kind(ABC):
    """What a proof does with a round."""

    bundle: Any
    config: DecodeConfig
    rule: str
    count: int  # verifications

    @abstractmethod
    def worth(self, met: Met) -> float:
        """How much a proof of the round would show."""

    @abstractmethod
    def why_not(self, met: Met) -> str:
        """Why there is nothing to prove in it; empty where there is."""

    @abstractmethod
    def subject(self, met: Met, before: Sequence[int]) -> Subject:
        """The round in words; ``before`` is the text that the run had generated."""

    @abstractmethod
    def fits(self, met: Met) -> Iterator[tuple[Fit, ...]]:
        """How the counts stand after every step."""


class ByToken(Kind):
    """The decoder's rule, or a mistake in it."""

    __slots__ = ()

    def worth(self, met: Met) -> float:
        return proof.worth(self.rule, met)

    def why_not(self, met: Met) -> str:
        return proof.why_not(self.rule, met, self.config.temperature)

    def subject(self, met: Met, before: Sequence[int]) -> Subject:
        drawn, taken = proof.num_drawn(self.rule, met), proof.taken(self.rule, met)
        return proof.describe(met, before, self.bundle, drawn, taken)

    def fits(self, met: Met) -> Iterator[tuple[Fit, ...]]:
        for counts in proof.verify_many(met, self.rule, self.count, self.config.seed, STEP):
            yield proof.fits(met, counts, self.bundle)


class ByBlock(Kind):
    """Block verification, or a mistake in it."""

    __slots__ = ()

    def worth(self, met: Met) -> float:
        return proof.worth_block(self.rule, met)

    def why_not(self, met: Met) -> str:
        return proof.why_not_block(self.rule, met, self._is_drawn)

    def subject(self, met: Met, before: Sequence[int]) -> Subject:
        return proof.describe_block(met, before, self.bundle)

    def fits(self, met: Met) -> Iterator[tuple[Fit, ...]]:
        laws = proof.Continuation(self.bundle, self.config, met.history, self._is_drawn)
        pairs = proof.pair_law(laws, self.count)
        seed = self.config.seed
        for counts in proof.verify_blocks(met, laws, self.rule, self.count, seed, STEP):
            yield proof.block_fits(met, counts, pairs, self.bundle)

    @property
    def _is_drawn(self) -> bool:
        return self.config.method in DRAWING


def kind_of(bundle: Any, config: DecodeConfig, rule: str, count: int) -> Kind:
    """The kind of proof that ``rule`` asks for."""
    kind = ByBlock if config.rule == "block" else ByToken
    return kind(bundle, config, rule, count)
