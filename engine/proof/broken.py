"""Acceptance rules with a well-known mistake in each: only proofs may call them."""

from collections.abc import Sequence

import torch

from engine.sampling import draw
from engine.verify import Judgement, judge_block, residual


def judge_not_renormalised(
    tokens: Sequence[int],
    parents: Sequence[int],
    draft_laws: torch.Tensor,
    target_laws: torch.Tensor,
    uniforms: Sequence[float],
    ends: frozenset[int] = frozenset(),
) -> Judgement:
    """Siblings below the root drawn without replacement, q zeroed but not renormalised.

    Arguments as for ``engine.verify.judge``, of a tree of one level; an accepted token ends it.
    """
    assert set(parents[1:]) <= {0} and set(tokens[1:]) <= ends
    r, q = target_laws[0], draft_laws[0]
    for node in range(1, len(tokens)):
        token = tokens[node]
        if uniforms[node] * float(q[token]) < float(r[token]):
            return Judgement((0, node), tuple(range(1, node)), None, (r,))
        r, q = residual(r, q), q.clone()
        q[token] = 0  # the mistake: its mass is lost
    return Judgement((0,), tuple(range(1, len(tokens))), draw(r, uniforms[0]), (r,))


def judge_block_stopping(
    tokens: Sequence[int],
    parents: Sequence[int],
    draft_laws: torch.Tensor | None,
    target_laws: torch.Tensor,
    uniforms: Sequence[float],
    ends: frozenset[int] = frozenset(),
) -> Judgement:
    """A block judged from the front and left at its first failure, as if token by token.

    Arguments as for ``engine.verify.judge_block``, whose every prefix has a chance of its own.
    """
    size, kept = len(tokens), 0
    for node in range(1, size):
        alone = [uniforms[0], *(uniforms[n] if n == node else 1.0 for n in range(1, size))]
        if judge_block(tokens, parents, draft_laws, target_laws, alone, ends).path[-1] != node:
            break
        kept = node
    settled = [uniforms[0], *(0.0 if node <= kept else 1.0 for node in range(1, size))]
    return judge_block(tokens, parents, draft_laws, target_laws, settled, ends)


def confident_law(
    tokens: Sequence[int], chances: Sequence[float], like: torch.Tensor
) -> torch.Tensor:
    """[V] the drafter's own confidence in the tokens it hung, where 1 would be right for each."""
    law = torch.zeros_like(like)
    law[list(tokens)] = torch.tensor(list(chances), dtype=like.dtype, device=like.device)
    return law
