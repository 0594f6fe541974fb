"""Where the target's own tokens rank among a head's guesses, and the rounds that makes.

At temperature 0 what is accepted *is* the target's greedy text.  Down the accepted path a head
has therefore read that very text, and one teacher-forced pass, fed its own features, says at
every place how far a decoder would get from there: exactly so for trees of a fixed shape.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import RankPath
from train.family import Guesser, after
from train.labels import held_out
from train.measure import Figures
from train.state_feed import Part, gather_states

NOWHERE = 10**6  # rank of a token that a head cannot guess, or is not asked for


class Chains(NamedTuple):
    """Answers to measure on, and the target's embedding and head [V, H]."""

    rows: list[tuple[Part, int]]
    words: Tensor


def held_out_parts(parts: Sequence[Part], number: int) -> list[tuple[Part, int]]:
    """Up to ``number`` greedy answers that are kept from training, of all parts in turn."""
    found = [
        [
            (part, int(row))
            for row in np.flatnonzero(part.ready & part.labels.greedy & held_out(part.labels))
        ]
        for part in parts
    ]
    longest = max(map(len, found), default=0)
    return [rows[i] for i in range(longest) for rows in found if i < len(rows)][:number]


def all_rows(part: Part) -> list[tuple[Part, int]]:
    """Every answer of a part."""
    return [(part, row) for row in range(len(part.labels))]


@torch.inference_mode()
def ranks(family: Guesser, head: nn.Module, part: Part, row: int, words: Tensor) -> np.ndarray:
    """Rank of each token of the answer among the guesses made for it. [J, D] int.

    Row j is of a round that begins with the answer's token j, d = 0 the first token drafted in
    it: the token j + d of the answer.
    """
    batch = gather_states(part, [row], family.columns).to(words.device)
    known = family.draft_ids(head)
    rows = words if known is None else words[known]
    answer = int(batch.stop[0] - batch.first[0])
    found = np.full((answer, family.max_ahead), NOWHERE)
    following = after(batch.ids, words, family.max_ahead)
    for guess in family.guesses(head, batch, following, family.max_ahead):
        at = guess.asked[0].nonzero()[:, 0]
        tokens = batch.ids[0, at + 2 + guess.ahead]
        place = (at - int(batch.first[0]) + 2).cpu().numpy()
        found[place, guess.ahead] = _rank(F.linear(guess.hidden, rows), tokens, known)
    return found


def _rank(logits: Tensor, tokens: Tensor, known: Tensor | None) -> np.ndarray:
    """How many entries of each row of ``logits`` [N, Vd] are above that of ``tokens`` [N]."""
    missing = torch.zeros_like(tokens, dtype=torch.bool)
    if known is not None:
        place = torch.searchsorted(known, tokens).clamp(max=len(known) - 1)
        missing, tokens = known[place] != tokens, place
    above = (logits > logits.gather(1, tokens[:, None])).sum(-1)
    return torch.where(missing, NOWHERE, above).cpu().numpy()


def accepted(found: np.ndarray, paths: frozenset[RankPath]) -> np.ndarray:
    """[J] how many drafted tokens are accepted in a round that begins at each place."""
    lengths = np.zeros(len(found), int)
    for place, row in enumerate(found.tolist()):
        while lengths[place] < len(row) and tuple(row[: lengths[place] + 1]) in paths:
            lengths[place] += 1
    return lengths


def walk(lengths: np.ndarray) -> int:
    """Rounds that write the answer, each as long as ``lengths`` says and one token more."""
    rounds, at = 0, 0
    while at < len(lengths):
        at += int(lengths[at]) + 1
        rounds += 1
    return rounds


def tree_figures(found: Iterable[np.ndarray], paths: Iterable[RankPath]) -> Figures:
    """Agreement of the first guess and mean accepted length with the tree ``paths``."""
    found, paths = list(found), frozenset(paths)
    tokens, rounds = sum(map(len, found)), sum(walk(accepted(each, paths)) for each in found)
    met = sum(int((each[:, 0] == 0).sum()) for each in found)
    return Figures(met / tokens, tokens / rounds, tokens, rounds)


def chain_paths(length: int) -> tuple[RankPath, ...]:
    """A chain of ``length`` nodes as rank paths."""
    return tuple((0,) * depth for depth in range(1, length + 1))


def chain_figures(family: Guesser, head: nn.Module, held: Chains, num_draft: int = 4) -> Figures:
    """Figures of chains of ``num_draft`` tokens."""
    found = [ranks(family, head, part, row, held.words) for part, row in held.rows]
    return tree_figures(found, chain_paths(num_draft))
