"""Thousands of verifications of one round with fresh uniforms, by the decoder's own rule.

Where the method draws its tokens they are drawn anew each time, as the proof of the rule asks:
the output keeps the target's law over draft and uniforms together.  Broken rules are mistakes
that decoders were shipped with; they are here to be found out.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch

from engine.proof.broken import confident_law, judge_not_renormalised
from engine.proof.round import MetRound
from engine.proof.strays import distance, hung_law, lost_mass_laws
from engine.sampling import draw_distinct
from engine.verify import Judgement, judge

Rule = Literal["right", "soft", "siblings", "bonus"]
RULES: tuple[Rule, ...] = ("right", "soft", "siblings", "bonus")
SIBLINGS = 3  # drawn where a mistake shows among siblings only and the round had fewer


@dataclass(slots=True)
class Counts:
    """What came out so far.

    Attributes:
        first: the tokens right behind the root.
        bonus: those drawn behind the round's leaf, where verification kept the path down to it.
        pairs: the first two tokens together, where a block is judged.
    """

    verifications: int = 0
    first: Counter[int] = field(default_factory=Counter)
    bonus: Counter[int] = field(default_factory=Counter)
    pairs: Counter[tuple[int, int]] = field(default_factory=Counter)


def why_not(rule: Rule, met: MetRound, temperature: float) -> str:
    """Why a broken rule makes no difference in this round; empty where it does."""
    if rule in ("soft", "bonus") and not met.siblings:
        return "This method drafts nothing."
    if rule == "siblings" and met.draft_laws is None:
        return "Every token of this draft is a point mass: there is no q to renormalise."
    if rule == "soft" and met.draft_laws is None and _is_certain(met):
        return "This method is certain of what it drafts: its soft q is the point mass itself."
    if rule == "bonus" and not met.leaf:
        return "No draft was kept whole in the rounds looked at: there is no bonus token."
    if rule == "bonus" and temperature == 1 and torch.equal(met.bare_laws, met.target_laws):
        return "At temperature 1 the law with and without temperature are the same."
    return ""


def _is_certain(met: MetRound) -> bool:
    return all((met.confidence[node] or 0.0) > 0.999 for node in met.siblings)


def worth(rule: Rule, met: MetRound) -> float:
    """How far the first or the bonus token of ``met`` strays by ``rule``, in total variation.

    For the right rule: how much there is to choose from at both places, and how likely a draft
    is to be kept; where none ever is, a rule that accepts nothing would agree as well.
    """
    if rule == "right":
        choice = met.spread(0) + (met.spread(met.leaf) if met.leaf else 0.0)
        return choice * (_kept(met) if met.siblings else 1.0)  # nothing drafted: nothing to keep
    if rule == "bonus":
        p, bare = met.target_laws[met.leaf], met.bare_laws[met.leaf]
        return distance(bare, p) if met.leaf else 0.0
    if not met.siblings or (rule == "siblings" and met.draft_laws is None):
        return 0.0
    p = met.target_laws[0]
    if rule == "siblings":
        return distance(*lost_mass_laws(p, met.draft_laws[0], num_drawn(rule, met)))
    tokens, q = _draft(met, rule, torch.Generator())  # hung without drawing
    return distance(hung_law(tokens, q, p), p)


def _kept(met: MetRound) -> float:
    """The chance that a node below the root is accepted; of drawn ones that of the first."""
    p, tokens = met.target_laws[0], [met.tokens[node] for node in met.siblings]
    if met.draft_laws is None:
        return float(p[sorted(set(tokens))].sum())
    return float(torch.minimum(p, met.draft_laws[0]).sum())


def num_drawn(rule: Rule, met: MetRound) -> int:
    """Siblings below the root in every verification."""
    own = len(met.siblings)
    return max(own, SIBLINGS) if rule == "siblings" and own else own


def taken(rule: Rule, met: MetRound) -> Sequence[int]:
    """Tokens that every verification takes in the place of drawn ones; none where it draws."""
    if rule != "soft" or met.draft_laws is None:
        return ()
    return _draft(met, rule, torch.Generator())[0]


def verify_many(met: MetRound, rule: Rule, count: int, seed: int, step: int) -> Iterator[Counts]:
    """The same counts again and again, as they grow by ``step`` up to ``count``."""
    rng, counts = torch.Generator().manual_seed(seed), Counts()
    laws = _last_laws(met, rule)
    while counts.verifications < count:
        with torch.inference_mode():  # per step: a step may run in any thread
            for _ in range(min(step, count - counts.verifications)):
                counts.verifications += 1
                counts.first[_first_token(met, rule, rng)] += 1
                if met.leaf:
                    _count_bonus(counts, met, laws, rng)
        yield counts


def _first_token(met: MetRound, rule: Rule, rng: torch.Generator) -> int:
    """Draft below the root, judge, and take the token that comes out first."""
    tokens, q = _draft(met, rule, rng)
    size = len(tokens) + 1
    judgement = (judge_not_renormalised if rule == "siblings" else judge)(
        (met.tokens[0], *tokens),
        (-1, *(0,) * len(tokens)),
        None if q is None else q.expand(size, -1),
        met.target_laws[0].expand(size, -1),
        _uniforms(size, rng),
        frozenset(tokens),  # nothing is looked at behind an accepted one
    )
    return _emitted((met.tokens[0], *tokens), judgement)


def _draft(
    met: MetRound, rule: Rule, rng: torch.Generator
) -> tuple[Sequence[int], torch.Tensor | None]:
    """Tokens below the root, and the q [V] they are judged by."""
    own = [met.tokens[node] for node in met.siblings]
    q = None if met.draft_laws is None else met.draft_laws[0]
    if rule == "soft" and own:
        if q is not None:
            return q.topk(len(own)).indices.tolist(), q
        chances = [met.confidence[node] or 0.0 for node in met.siblings]
        return own, confident_law(own, chances, met.target_laws[0])
    if q is None or not own:
        return own, None
    return draw_distinct(q, _uniforms(num_drawn(rule, met), rng)), q


def _last_laws(met: MetRound, rule: Rule) -> torch.Tensor:
    """[N, V] what the last token is drawn from behind each node."""
    if rule != "bonus":
        return met.target_laws
    laws = met.target_laws.clone()
    laws[met.leaf] = met.bare_laws[met.leaf]  # the mistake: temperature and filters are forgotten
    return laws


def _count_bonus(counts: Counts, met: MetRound, laws: torch.Tensor, rng: torch.Generator) -> None:
    """Verify the tree as it was drafted; count where the whole path to the leaf is kept."""
    uniforms = _uniforms(len(met.tokens), rng)
    judgement = judge(met.tokens, met.parents, met.draft_laws, laws, uniforms)
    if judgement.path[-1] == met.leaf and judgement.extra is not None:
        counts.bonus[judgement.extra] += 1


def _emitted(tokens: Sequence[int], judgement: Judgement) -> int:
    """The first token of a round."""
    if len(judgement.path) > 1:
        return tokens[judgement.path[1]]
    assert judgement.extra is not None  # the root ends no text
    return judgement.extra


def _uniforms(count: int, rng: torch.Generator) -> list[float]:
    return torch.rand(count, generator=rng, dtype=torch.float64).tolist()
