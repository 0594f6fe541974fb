"""What is verified and what came of it, from tensors to records."""

from collections.abc import Mapping, Sequence

import torch

from engine.bundle import Bundle
from engine.detokenizer import Pieces
from engine.proof.chi_square import fit
from engine.proof.results import Fit, Sibling, Subject
from engine.proof.round import MetRound
from engine.proof.trials import Counts

LETTERS = 80  # of the text before the round


def describe(
    met: MetRound,
    text: Sequence[int],
    bundle: Bundle,
    drawn: int = 0,
    taken: Sequence[int] = (),
) -> Subject:
    """The round in words.

    Args:
        text: what the run had generated before it, as tokens.
        drawn: siblings of every verification.
        taken: tokens that every verification tests in their place.
    """
    piece = Pieces(bundle.tokenizer)
    path, node = [], met.leaf
    while node:
        path.append(piece(met.tokens[node]))
        node = met.parents[node]
    return Subject(
        met.index,
        _end_of(text, bundle),
        _siblings(met, taken or [met.tokens[node] for node in met.siblings], piece),
        met.draft_laws is not None and not taken,
        tuple(reversed(path)),
        drawn=drawn if drawn > len(met.siblings) else 0,
        is_taken=bool(taken),
    )


def describe_block(met: MetRound, text: Sequence[int], bundle: Bundle) -> Subject:
    """The same of a round whose chain is judged as one block: its tokens one below the other."""
    piece = Pieces(bundle.tokenizer)
    chain = tuple(
        _sibling(met, met.parents[node], met.tokens[node], piece)
        for node in range(1, len(met.tokens))
    )
    is_redrawn = met.draft_laws is not None
    return Subject(met.index, _end_of(text, bundle), chain, is_redrawn, (), is_block=True)


def _end_of(text: Sequence[int], bundle: Bundle) -> str:
    return str(bundle.tokenizer.decode(list(text), skip_special_tokens=True))[-LETTERS:]


def _siblings(met: MetRound, tokens: Sequence[int], piece: Pieces) -> tuple[Sibling, ...]:
    return tuple(_sibling(met, 0, token, piece) for token in tokens)


def _sibling(met: MetRound, parent: int, token: int, piece: Pieces) -> Sibling:
    """A drafted token with what its parent's laws say of it."""
    draft = None if met.draft_laws is None else float(met.draft_laws[parent][token])
    return Sibling(piece(token), draft, float(met.target_laws[parent][token]))


def fits(met: MetRound, counts: Counts, bundle: Bundle) -> tuple[Fit, ...]:
    """The first token against the root's law, and the bonus where the round has one."""
    piece, number = Pieces(bundle.tokenizer), counts.verifications
    first = fit("first", met.target_laws[0], counts.first, number, piece)
    if not met.leaf:
        return (first,)
    return first, fit("bonus", met.target_laws[met.leaf], counts.bonus, number, piece)


def block_fits(
    met: MetRound, counts: Counts, pairs: Mapping[tuple[int, int], float], bundle: Bundle
) -> tuple[Fit, ...]:
    """The first token against the root's law, and the first two against their joint law.

    Args:
        pairs: the likeliest pairs with their probabilities.
    """
    piece, number, listed = Pieces(bundle.tokenizer), counts.verifications, list(pairs)
    law = torch.tensor(list(pairs.values()), dtype=torch.float64)
    came = {place: counts.pairs[pair] for place, pair in enumerate(listed) if counts.pairs[pair]}
    first = fit("first", met.target_laws[0], counts.first, number, piece)
    pair = fit(
        "pair",
        law,
        came,
        number,
        lambda place: "".join(map(piece, listed[place])),
        unlisted=len(met.target_laws[0]) ** 2 - len(listed),
    )
    return first, pair
