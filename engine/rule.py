"""Which rule judges a proposal: the settings' own, and a block only where one can be made."""

from collections.abc import Sequence

import torch

from engine.config import Rule
from engine.drafters.drafter import Proposal
from engine.tree import is_chain
from engine.verify import Judgement, judge, judge_block


def judge_by(
    rule: Rule,
    proposal: Proposal,
    target_laws: torch.Tensor,
    uniforms: Sequence[float],
    ends: frozenset[int],
) -> Judgement:
    """Judge ``proposal`` by ``rule``; other arguments as for ``judge``."""
    is_block = may_be_block(rule, proposal) and not is_apart(proposal)
    by_rule = judge_block if is_block else judge
    told = (proposal.tokens, proposal.parents, proposal.laws)
    return by_rule(*told, target_laws, uniforms, ends)


def may_be_block(rule: Rule, proposal: Proposal) -> bool:
    """Whether a chain is to be judged as a block."""
    return rule == "block" and is_chain(proposal.parents)


def is_apart(proposal: Proposal) -> bool:
    """Whether that it is a chain depends on its tokens: no rule may be chosen by that.

    Siblings that would have been drawn deeper down are lacking for want of tokens.
    """
    return proposal.branches and proposal.laws is not None
