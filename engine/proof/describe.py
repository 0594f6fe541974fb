"""What is verified and what came of it, from tensors to records."""

from collections.abc import Sequence

from engine.bundle import Bundle
from engine.detokenizer import Pieces
from engine.proof.chi_square import fit
from engine.proof.results import Fit, Sibling, Subject
from engine.proof.round import MetRound
from engine.proof.trials import Counts

LETTERS = 80  # of the text before the round


def describe(met: MetRound, text: Sequence[int], bundle: Bundle) -> Subject:
    """The round in words.

    Args:
        text: what the run had generated before it, as tokens.
    """
    piece = Pieces(bundle.tokenizer)
    before = str(bundle.tokenizer.decode(list(text), skip_special_tokens=True))
    path, node = [], met.leaf
    while node:
        path.append(piece(met.tokens[node]))
        node = met.parents[node]
    siblings = []
    for node in met.siblings:
        token = met.tokens[node]
        draft = None if met.draft_laws is None else float(met.draft_laws[0][token])
        siblings.append(Sibling(piece(token), draft, float(met.target_laws[0][token])))
    return Subject(
        met.index,
        before[-LETTERS:],
        tuple(siblings),
        met.draft_laws is not None,
        tuple(reversed(path)),
    )


def fits(met: MetRound, counts: Counts, bundle: Bundle) -> tuple[Fit, ...]:
    """The first token against the root's law, and the bonus where the round has one."""
    piece, number = Pieces(bundle.tokenizer), counts.verifications
    first = fit("first", met.target_laws[0], counts.first, number, piece)
    if not met.leaf:
        return (first,)
    return first, fit("bonus", met.target_laws[met.leaf], counts.bonus, number, piece)
