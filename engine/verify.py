"""The acceptance rules, as pure functions of laws and uniforms.

Names follow the papers only here: p is the target's law, q the law a token was drafted from,
r what is left of p once siblings were rejected.  All are [V] and sum to one.

- Recursive rejection without replacement (Leviathan et al., 2023; Chen et al., 2023 for a
  chain; Jeon et al., 2024 and Chen et al., 2024, "Sequoia", for siblings).  A point mass is
  the special case q = one-hot: the top-k trees of Medusa, Hydra and EAGLE-2.
- Block verification of a chain (Sun et al., 2024, arXiv 2403.10444, algorithm 2).
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import torch

from engine.sampling import draw
from engine.tree import children, is_chain


class Judgement(NamedTuple):
    """What verification decides about one tree."""

    path: tuple[int, ...]  # the root and the accepted nodes, top down
    rejected: tuple[int, ...]  # nodes tested and refused
    extra: int | None  # the token drawn behind the path; None where the path ends the text
    residuals: tuple[torch.Tensor, ...]  # per node of the path: the law had all tested failed
    accept_probs: Mapping[int, float] = MappingProxyType({})  # of the tested: u was held against it

    def cut(self, emitted: int, parents: Sequence[int]) -> "Judgement":
        """What is left where the text ends after ``emitted`` tokens: a stop string in the path.

        The node of the last token ends the path as an end of sequence would; nothing below it
        was tested, for the record or for the caches.
        """
        if emitted >= len(self.path):
            return self
        path = self.path[: emitted + 1]
        judged = {*path[:-1]}
        rejected = tuple(node for node in self.rejected if parents[node] in judged)
        tested = {*path, *rejected}
        probs = {node: chance for node, chance in self.accept_probs.items() if node in tested}
        return Judgement(path, rejected, None, self.residuals[: len(path) - 1], probs)


def residual(p: torch.Tensor, q: torch.Tensor, weight: float = 1.0) -> torch.Tensor:
    """norm(max(weight * p - q, 0)) of laws [V]; p where that has no mass.

    Args:
        weight: of the block before, where a block is judged (see ``judge_block``).
    """
    positive = (weight * p - q).clamp_min(0)
    total = positive.sum()
    return positive / total if total > 0 else p


def without(law: torch.Tensor, token: int) -> torch.Tensor:
    """``law`` with ``token`` ruled out, renormalised; ``law`` itself where it has no other."""
    rest = law.clone()
    rest[token] = 0
    total = rest.sum()
    return rest / total if total > 0 else law


def judge(
    tokens: Sequence[int],
    parents: Sequence[int],
    draft_laws: torch.Tensor | None,
    target_laws: torch.Tensor,
    uniforms: Sequence[float],
    ends: frozenset[int] = frozenset(),
) -> Judgement:
    """Walk the tree by recursive rejection and draw one token behind the kept path.

    Args:
        tokens: [N]; node 0 is the root.
        parents: [N]; siblings stand in the order they were drawn in.
        draft_laws: [N, V], row i the law that the first child of node i was drawn from, or
            ``None`` where every drafted node is a point mass.
        target_laws: [N, V], row i the target's law behind node i.
        uniforms: [N] in [0, 1): one per node to test it with, the root's for the last draw.
        ends: end-of-sequence tokens; an accepted one ends the path and nothing is drawn.
    """
    below = children(parents)
    path, residuals = [0], []
    probs: dict[int, float] = {}
    while True:
        node = path[-1]
        q = None if draft_laws is None else draft_laws[node]
        accepted, tested, rest = _test(below[node], tokens, q, target_laws[node], uniforms)
        probs |= tested
        residuals.append(rest)
        if accepted is not None:
            path.append(accepted)
        if accepted is None or tokens[accepted] in ends:
            extra = draw(rest, uniforms[0]) if accepted is None else None
            rejected = tuple(node for node in probs if node not in path)
            return Judgement(tuple(path), rejected, extra, tuple(residuals), probs)


def accept_prob(r: float, q: float) -> float:
    """min(1, r / q): the chance of a token to be accepted that was drawn with chance ``q``."""
    return min(1.0, r / q) if q > 0 else float(r > 0)


def _test(
    siblings: Sequence[int],
    tokens: Sequence[int],
    q: torch.Tensor | None,
    p: torch.Tensor,
    uniforms: Sequence[float],
) -> tuple[int | None, dict[int, float], torch.Tensor]:
    """Test siblings in turn: (the accepted one, the chances of the tested, what is left of p)."""
    tested: dict[int, float] = {}
    r = p
    for node in siblings:
        token = tokens[node]
        reach, drafted = float(r[token]), 1.0 if q is None else float(q[token])
        tested[node] = accept_prob(reach, drafted)
        if q is None:
            r = without(r, token)
        else:
            r = residual(r, q)
            q = without(q, token)  # drawn without replacement: the next sibling's law
        # u * q < r rather than u < r / q: no division, right at q = 0 and at r = 0
        if uniforms[node] * drafted < reach:
            return node, tested, r
    return None, tested, r


def judge_block(
    tokens: Sequence[int],
    parents: Sequence[int],
    draft_laws: torch.Tensor | None,
    target_laws: torch.Tensor,
    uniforms: Sequence[float],
    ends: frozenset[int] = frozenset(),
) -> Judgement:
    """Judge a chain as one block: keep its longest prefix that passes, not the first failure.

    Arguments as for ``judge``, the tree being a chain of N - 1 drafted nodes.
    """
    assert is_chain(parents)
    length = _until_end(tokens, ends)
    laws = [_law_of(draft_laws, i, tokens[i + 1], target_laws) for i in range(length)]
    weights = _block_weights(tokens, laws, target_laws)
    probs = _pass_chances(weights, laws, target_laws)
    kept = max((node for node in probs if uniforms[node] < probs[node]), default=0)
    path, rejected = tuple(range(kept + 1)), tuple(range(kept + 1, length + 1))
    behind = range(min(kept + 1, length))
    residuals = [residual(target_laws[i], laws[i], weights[i]) for i in behind]
    if kept == length:
        if kept > 0 and tokens[kept] in ends:
            return Judgement(path, rejected, None, tuple(residuals), probs)
        residuals.append(target_laws[kept])
    extra = draw(residuals[kept], uniforms[0])
    return Judgement(path, rejected, extra, tuple(residuals), probs)


def _block_weights(
    tokens: Sequence[int], laws: Sequence[torch.Tensor], target_laws: torch.Tensor
) -> list[float]:
    """Of the block up to the root, and to every drafted node: min(1, the weight before * p / q)."""
    weights = [1.0]
    for token, p, q in zip(tokens[1:], target_laws, laws, strict=False):
        weight, drafted = weights[-1], float(q[token])
        weights.append(min(1.0, weight * float(p[token]) / drafted) if drafted > 0 else 0.0)
    return weights


def _pass_chances(
    weights: Sequence[float], laws: Sequence[torch.Tensor], target_laws: torch.Tensor
) -> dict[int, float]:
    """h of the paper: per drafted node the chance that the block is kept up to it, from the back.

    The last one's is its weight, for nothing was drafted behind it.
    """
    chances = {}
    for node in range(1, len(laws)):
        weight = weights[node]
        mass = float((weight * target_laws[node] - laws[node]).clamp_min(0).sum())
        denominator = mass + 1 - weight
        chances[node] = mass / denominator if denominator > 0 else 1.0
    return chances | ({len(laws): weights[-1]} if laws else {})


def _law_of(
    draft_laws: torch.Tensor | None, row: int, token: int, like: torch.Tensor
) -> torch.Tensor:
    """The law that ``token`` was drafted from below node ``row``."""
    if draft_laws is not None:
        return draft_laws[row]
    return torch.zeros_like(like[row]).index_fill_(0, torch.tensor(token, device=like.device), 1.0)


def _until_end(tokens: Sequence[int], ends: frozenset[int]) -> int:
    """Drafted tokens up to and with the first end of sequence."""
    for i, token in enumerate(tokens[1:], start=1):
        if token in ends:
            return i
    return len(tokens) - 1
