"""From logits to laws to tokens.  Every processor acts per position.

A *law* is a distribution over the vocabulary after the processors; at temperature 0 it is
one-hot, so that no rule needs a greedy case.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from engine.config import DecodeConfig
from engine.tree import path_tokens


class Seen(NamedTuple):
    """Which tokens stood before a node, as far as a penalty asks: which, and not where.

    Attributes:
        before: those of the text, one set for all nodes of a tree.
        path: those from the root down to the node.
    """

    before: frozenset[int]
    path: tuple[int, ...]


Text = Sequence[int] | Seen


@dataclass(frozen=True, slots=True)
class Sampler:
    """The processors of one run, in transformers' order: penalty, temperature, top-k, top-p."""

    config: DecodeConfig

    def laws(self, logits: torch.Tensor, histories: Sequence[Text]) -> torch.Tensor:
        """Logits [N, V] to laws [N, V] in fp32 (or fp64).

        Args:
            logits: of the next token at each of N positions.
            histories: per position the tokens before it; read for the penalty only.
        """
        return self.laws_of(self.scores(logits, histories))

    def laws_of(self, scores: torch.Tensor, few: int = 256) -> torch.Tensor:
        """Scores [N, V] to laws: all processors but the penalty.

        Args:
            few: tokens among which the nucleus is looked for first; with all of them the host
                need not look at what it found.
        """
        config = self.config
        if config.is_greedy:
            return torch.zeros_like(scores).scatter_(-1, scores.argmax(-1, keepdim=True), 1.0)
        scores = scores / config.temperature
        if config.top_k is not None and config.top_k < scores.shape[-1]:
            least = scores.topk(config.top_k).values[..., -1:]
            scores = scores.masked_fill(scores < least, -torch.inf)
        probs = scores.softmax(-1)
        is_whole = config.top_p in (None, 1.0)  # else rounding would cut the rarest tokens off
        return probs if is_whole else _nucleus(probs, config.top_p, few)

    def scores(self, logits: torch.Tensor, histories: Sequence[Text]) -> torch.Tensor:
        """Logits [N, V] after the penalty alone, in fp32 (or fp64); arguments as for ``laws``."""
        scores = logits if logits.dtype == torch.float64 else logits.float()
        penalty = self.config.repetition_penalty
        return scores if penalty == 1.0 else _penalise(scores, histories, penalty)

    def texts(
        self,
        history: Sequence[int],
        tokens: Sequence[int],
        parents: Sequence[int],
        nodes: Sequence[int],
    ) -> Sequence[Text]:
        """Per node of ``nodes`` the tokens up to it; the plain history where no processor reads.

        A context is not copied for every node: all share one set of its tokens.

        Args:
            history: tokens up to the root's.
            tokens, parents: of the tree.
        """
        if not self.needs_history:
            return [history] * len(nodes)  # none is copied
        before = frozenset(history)
        return [Seen(before, tuple(path_tokens(tokens, parents, node))) for node in nodes]

    @property
    def processors(self) -> tuple[float | None, ...]:
        """What laws are made with: runs with the same make the same ones of the same logits."""
        config = self.config
        return config.temperature, config.top_k, config.top_p, config.repetition_penalty

    @property
    def needs_history(self) -> bool:
        """Whether laws depend on ``histories``."""
        return self.config.repetition_penalty != 1.0


def draw(law: torch.Tensor, uniform: float) -> int:
    """The token at ``uniform`` of the inverse cumulative law [V]; never one without mass."""
    mass = law.double().cumsum(-1)  # fp32 sums lose tokens of a 150,000-word vocabulary
    token = int(torch.searchsorted(mass, uniform * mass[-1], right=True))
    return min(token, int(law.nonzero()[-1])) if token >= len(law) else token


def draw_distinct(law: torch.Tensor, uniforms: Sequence[float]) -> list[int]:
    """Up to one token per uniform, drawn in turn without replacement; fewer if mass runs out."""
    tokens: list[int] = []
    for uniform in uniforms:
        if tokens:
            law = law.clone()
            law[tokens[-1]] = 0.0
        if not law.sum() > 0:
            break
        tokens.append(draw(law, uniform))
    return tokens


def _penalise(scores: torch.Tensor, histories: Sequence[Text], penalty: float) -> torch.Tensor:
    """Make the tokens of each row's own history less likely.

    As transformers does it, after Keskar et al., 2019 (arXiv 1909.05858), section 4.1.
    """
    scores, seen = scores.clone(), [_seen(history) for history in histories]
    shared = seen[0].before if seen else frozenset()  # a tree's nodes differ by their paths
    if not all(each.before is shared for each in seen):
        shared = frozenset()
    _divide(scores, shared, penalty)
    for row, (before, path) in zip(scores, seen, strict=True):
        own = path if before is shared else before.union(path)
        _divide(row, set(own) - shared, penalty)
    return scores


def _seen(history: Text) -> Seen:
    return history if isinstance(history, Seen) else Seen(frozenset(history), ())


def _divide(scores: torch.Tensor, tokens: Set[int], penalty: float) -> None:
    """Make ``tokens`` less likely in all of ``scores`` [..., V], in place."""
    if tokens:
        columns = torch.tensor(list(tokens), device=scores.device)
        values = scores[..., columns]
        scores[..., columns] = torch.where(values < 0, values * penalty, values / penalty)


def _nucleus(probs: torch.Tensor, top_p: float, few: int) -> torch.Tensor:
    """Keep the smallest set of most probable tokens with mass ``top_p`` (Holtzman et al., 2020)."""
    if few < probs.shape[-1]:
        kept = _among(probs, top_p, few)
    else:  # captured as a step of the device, say: nothing leaves torch
        kept = _of_all(probs, top_p, (-probs).sort().values)
    return kept / kept.sum(-1, keepdim=True)


def _among(probs: torch.Tensor, top_p: float, few: int) -> torch.Tensor:
    """``probs`` [N, V] with 0 outside the nucleus: among the first ``few``, but for flat laws.

    Those are sorted at once: to look at more and more of one that proves flatter and flatter
    takes longer than that.
    """
    values, tokens = probs.topk(few)
    mass_before = values.cumsum(-1) - values
    kept = torch.zeros_like(probs).scatter_(-1, tokens, values.masked_fill(mass_before >= top_p, 0))
    if (flat := mass_before[..., -1] < top_p).any():
        kept[flat] = _of_all(probs[flat], top_p, _sorted(-probs[flat]))
    return kept


def _of_all(probs: torch.Tensor, top_p: float, below: torch.Tensor) -> torch.Tensor:
    """The same by values in order alone; of equals at the edge those with the lowest ids.

    Args:
        below: [N, V] ``-probs``, each row in order: the largest first.
    """
    mass = below.neg().cumsum(-1)
    last = torch.searchsorted(mass, mass.new_full((len(mass), 1), top_p))
    edge = below.gather(-1, last.clamp_max(probs.shape[-1] - 1))
    spare = last + 1 - torch.searchsorted(below, edge)  # of those at the edge so many are kept
    equal = probs == -edge
    kept = (probs > -edge) | (equal & (equal.cumsum(-1, dtype=torch.int32) <= spare))
    return probs.masked_fill(~kept, 0)


def _sorted(rows: torch.Tensor) -> torch.Tensor:
    """[N, V] each row in order.

    On a CPU by numpy, which moves values alone, and with vectors: torch also tells where each
    stood, which takes ten times as long.
    """
    if rows.device.type == "cpu":
        return torch.from_numpy(np.sort(rows.numpy()))
    return rows.sort().values
