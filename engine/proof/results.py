"""What a proof found, as records: drawn where neither torch nor a model is installed."""

from dataclasses import dataclass
from typing import Literal

Place = Literal["first", "bonus", "pair"]


@dataclass(frozen=True, slots=True)
class Fit:
    """How often tokens came out at one place, against the target's law there.

    Bins hold one token each, the most probable first, but for the last, which pools all whose
    expected count is below ``chi_square.LEAST``, and the rarest others until it reaches that;
    ``statistic``, ``freedom`` and ``p_value`` are Pearson's over the bins.  At the place "pair"
    an outcome is two tokens: ``token`` numbers the pairs, ``piece`` holds the text of both.
    """

    place: Place
    verifications: int  # of the round so far
    counted: int  # of them that had a token at this place: n
    token: tuple[int, ...]  # of the bins but the pooled one
    piece: tuple[str, ...]
    observed: tuple[int, ...]
    expected: tuple[float, ...]  # n times the target's probability
    pooled_tokens: int  # in the last bin, which is not among the columns above
    pooled_observed: int
    pooled_expected: float
    statistic: float
    freedom: int  # bins less one
    p_value: float | None  # None where there is one bin only

    @property
    def is_refuted(self) -> bool:
        """Whether chance alone would bring this forth once in ``1 / ALPHA`` proofs."""
        return self.p_value is not None and self.p_value < ALPHA


ALPHA = 1e-4
TIE = 1e-3  # logits


@dataclass(frozen=True, slots=True)
class Sibling:
    """A token drafted below the root: the first that a round's rule tests."""

    piece: str
    draft: float | None  # q of it; None for a point mass
    target: float  # p of it


@dataclass(frozen=True, slots=True)
class Subject:
    """The round that is verified over and over."""

    index: int
    context: str  # the end of the text before it
    siblings: tuple[Sibling, ...]  # in the order they were tested in the round
    is_redrawn: bool  # the method draws its tokens, so that every verification draws new ones
    path: tuple[str, ...]  # tokens down to the leaf that the bonus is counted behind; () for none
    is_block: bool = False  # judged as one block, the first two tokens counted together
    drawn: int = 0  # siblings in every verification, where they are more than the round had
    is_taken: bool = False  # the siblings are q's most probable: by the mistake, nothing is drawn


@dataclass(frozen=True, slots=True)
class Gap:
    """How close the target was to another token at one place of its own text."""

    index: int  # of the token in the text
    piece: tuple[str, str]  # the most probable token and the other, the second best mostly
    logits: float | None  # what lies between the two; None where the other's is not recorded

    @property
    def is_tie(self) -> bool:
        """Whether two ways of adding up may disagree about which is the most probable."""
        return self.logits is not None and self.logits < TIE


@dataclass(frozen=True, slots=True)
class Equality:
    """A method's text against plain decoding's, token by token."""

    tokens: int  # of the method's text
    plain_tokens: int
    same: int  # leading tokens that are equal
    gap: Gap | None  # at the first difference, to the method's token; None where it is not known
    closest: Gap | None  # the least of all gaps of the plain run

    @property
    def is_equal(self) -> bool:
        """Every token, and as many of them."""
        return self.same == self.tokens == self.plain_tokens
