"""Thousands of verifications of a chain as one block, and the joint law of what comes out.

A block is kept or cut as a whole, so that its first token alone proves too little: the first
two are counted together, against p(first) p(second | first).  A chain that the draft model draws
is drawn anew each time, from laws that the models are asked for as they are met.
"""

from collections.abc import Iterator, Sequence

import torch

from engine.proof.broken import judge_block_stopping
from engine.proof.chi_square import LEAST
from engine.proof.continuation import ROWS, Continuation
from engine.proof.round import MetRound
from engine.proof.strays import distance, stopped_laws
from engine.proof.trials import Counts
from engine.sampling import draw
from engine.tree import is_chain
from engine.verify import judge_block

BLOCK_RULES = ("block", "block_stop")  # the right one, and one that stops at the first failure
LENGTH = 2  # drafted tokens of the chain


def why_not_block(rule: str, met: MetRound, has_model: bool) -> str:
    """Why the block of this round cannot be verified over and over; empty where it can.

    Args:
        has_model: whether the round's chain was drawn by a draft model.
    """
    if not _is_block(met):
        return "No round of this prompt drafted a chain: choose another prompt or method."
    if met.draft_laws is not None and not has_model:
        return (
            "What heads would draw behind other tokens is not known: let them draft the most"
            " probable ones, or choose the draft model."
        )
    if rule == "block_stop" and len(met.tokens) <= LENGTH:
        return "Only one token was drafted at a time: there is no later prefix to miss."
    return ""


def worth_block(rule: str, met: MetRound) -> float:
    """How much a round's block shows: much to choose from, and drafts that may be kept.

    For the broken rule: how far the first token strays, in total variation.
    """
    if not _is_block(met) or (rule == "block_stop" and len(met.tokens) <= LENGTH):
        return 0.0
    p, q, tokens = met.target_laws, met.draft_laws, met.tokens
    if rule == "block":
        kept = p[0][tokens[1]] if q is None else torch.minimum(p[0], q[0]).sum()
        return met.spread(0) * float(kept)
    if q is not None:
        return distance(*stopped_laws(p[:LENGTH], q[:LENGTH]))
    first = float(p[0][tokens[1]])
    second = float(p[1][tokens[2]])
    missed = first * (1 - second) + 1 - first  # Z + 1 - p of the paper
    return first * second * (1 - first) / missed if missed > 0 else 0.0


def _is_block(met: MetRound) -> bool:
    return len(met.tokens) > 1 and is_chain(met.parents)


def verify_blocks(
    met: MetRound, laws: Continuation, rule: str, count: int, seed: int, step: int
) -> Iterator[Counts]:
    """The same counts again and again, as they grow by ``step`` up to ``count``."""
    rng, counts = torch.Generator().manual_seed(seed), Counts()
    while counts.verifications < count:
        size = min(step, count - counts.verifications)
        with torch.inference_mode():  # per step: a step may run in any thread
            chains = [_chain(met, laws, rng, 1) for _ in range(size)]
            laws.prepare([chain[:1] for chain in chains])
            for chain in chains:
                pair = _pair(met, laws, rule, [*chain, *_chain(met, laws, rng, 2, chain)], rng)
                counts.verifications += 1
                counts.first[pair[0]] += 1
                counts.pairs[pair] += 1
        yield counts


def pair_law(laws: Continuation, count: int) -> dict[tuple[int, int], float]:
    """Probabilities of the pairs expected ``LEAST`` times in ``count`` verifications or more."""
    least, first = LEAST / count, laws.target(())
    starts = (first >= least).nonzero().flatten().tolist()
    found = {}
    for start in range(0, len(starts), ROWS - 1):
        part = starts[start : start + ROWS - 1]
        laws.prepare([(token,) for token in part])
        for token in part:
            both = first[token] * laws.target((token,))
            for other in (both >= least).nonzero().flatten().tolist():
                found[token, other] = float(both[other])
    return found


def _chain(
    met: MetRound,
    laws: Continuation,
    rng: torch.Generator,
    depth: int,
    above: Sequence[int] = (),
) -> list[int]:
    """The chain's token at ``depth`` behind those ``above``; none where it is shorter."""
    if met.draft_laws is None:
        return list(met.tokens[depth : depth + 1])
    return [draw(laws.draft(above), _uniform(rng))] if depth < len(met.tokens) else []


def _pair(
    met: MetRound, laws: Continuation, rule: str, chain: Sequence[int], rng: torch.Generator
) -> tuple[int, int]:
    """Judge one block; the first two tokens of the text that goes on by the target's law."""
    size = len(chain) + 1
    p = torch.stack([laws.target(chain[:depth]) for depth in range(min(size, LENGTH))])
    p = torch.cat([p, p[-1:]])[:size]  # what is drawn behind two tokens is not looked at
    q = None
    if met.draft_laws is not None:
        q = torch.stack([laws.draft(chain[: min(depth, size - 2)]) for depth in range(size)])
    uniforms = torch.rand(size, generator=rng, dtype=torch.float64).tolist()
    judge = judge_block_stopping if rule == "block_stop" else judge_block
    judgement = judge((met.tokens[0], *chain), range(-1, size - 1), q, p, uniforms)
    text = [*chain[: len(judgement.path) - 1], judgement.extra]
    if len(text) < LENGTH:
        text.append(draw(laws.target(text), _uniform(rng)))
    return text[0], text[1]


def _uniform(rng: torch.Generator) -> float:
    return float(torch.rand(1, generator=rng, dtype=torch.float64))
