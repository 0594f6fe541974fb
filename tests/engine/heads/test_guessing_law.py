"""The law of the next tokens is the target's, exactly: every draw and every test enumerated.

The drafter is the shipped one; its draws are taken from a script instead of the generator, so
that each proposal comes with its probability.  The rule's outcomes are enumerated likewise.
"""

from functools import cache

import pytest
import torch

from engine.config import DecodeConfig
from engine.decoding import Run
from engine.drafters import children
from engine.verify import judge, without
from tests.engine.enumeration import extend, outcomes
from tests.engine.heads.guessers import GUESSING, head_bundle

VOCAB, PROMPT, LENGTH = 5, [1, 3, 2], 3
TREE = ((0,), (1,), (0, 0), (1, 0))
PROCESSORS = {"temperature": 0.8, "top_k": 4, "repetition_penalty": 1.3}


class Draws:
    """Stands in for ``draw_distinct``: goes through every way to draw, one a proposal."""

    def __init__(self):
        self.waiting = [()]

    def begin(self):
        self.script, self.taken, self.chance = self.waiting.pop(), (), 1.0

    def __call__(self, law, uniforms):
        tokens = []
        for _ in uniforms:
            if tokens:
                law = without(law, tokens[-1])
            able = [token for token in law.nonzero()[:, 0].tolist() if token not in tokens]
            if not able:
                break
            place = len(self.taken)
            if place >= len(self.script):
                self.waiting += [(*self.taken, other) for other in able[1:]]
            tokens.append(self.script[place] if place < len(self.script) else able[0])
            self.taken = (*self.taken, tokens[-1])
            self.chance *= float(law[tokens[-1]])
        return tokens


class Setting:
    """A run at its first round, and the target's law behind any text."""

    def __init__(self, method, drafting, tree=TREE, **options):
        bundle = head_bundle(method, VOCAB, 3, dtype=torch.float64, **options)
        config = DecodeConfig(method, 20, tree=tree, drafting=drafting, **PROCESSORS)
        self.run = Run(bundle, PROMPT, config)
        self.law = cache(self._law)

    def _law(self, text):
        """[V] of what follows the prompt and ``text``."""
        tokens = [*PROMPT, *text]
        with torch.inference_mode():
            logits = self.run.bundle.target(input_ids=torch.tensor([tokens])).logits[0, -1:]
        return self.run._sampler.laws(logits, [tokens])[0]

    def expected(self):
        """[V, V, V] law of the next tokens."""
        law = torch.ones(VOCAB, dtype=torch.float64)
        law = law.expand((VOCAB,) * LENGTH).clone()
        for text in torch.cartesian_prod(*[torch.arange(VOCAB)] * LENGTH).tolist():
            for place, token in enumerate(text):
                law[tuple(text)] *= float(self.law(tuple(text[:place]))[token])
        return law

    def proposals(self, monkeypatch):
        """Every proposal with its probability."""
        draws = Draws()
        monkeypatch.setattr(children, "draw_distinct", draws)
        while draws.waiting:
            draws.begin()
            with torch.inference_mode():
                proposal = self.run._drafter.propose(PROMPT, 6)
            yield draws.chance, proposal

    def found(self, monkeypatch, spoil=lambda proposal: proposal.laws):
        """[V, V, V] the law that the drafter and the rule make; ``spoil`` alters the laws."""
        law = torch.zeros((VOCAB,) * LENGTH, dtype=torch.float64)
        for chance, proposal in self.proposals(monkeypatch):
            texts = [()]
            for node in range(1, len(proposal.tokens)):
                texts.append((*texts[proposal.parents[node]], proposal.tokens[node]))
            target_laws = torch.stack([self.law(text) for text in texts])
            tree = (proposal.tokens, proposal.parents)
            for outcome in outcomes(judge, len(texts), *tree, spoil(proposal), target_laws):
                path = list(texts[outcome.judgement.path[-1]])
                extend(law, path, outcome.judgement, chance * outcome.chance, self.law)
        return law


CASES = [(method, options) for method in GUESSING for options in ({}, {"draft_vocab": 3})]
CASES += [("hydra", {"grounded": False}), ("medusa", {"speak": True}), ("hydra", {"speak": True})]


@pytest.mark.parametrize("drafting", ["top", "sampled"])
@pytest.mark.parametrize(("method", "options"), CASES)
def test_the_law_of_the_text_is_the_targets(method, options, drafting, monkeypatch):
    setting = Setting(method, drafting, **options)
    found = setting.found(monkeypatch)
    assert float(found.sum()) == pytest.approx(1.0, abs=1e-9)
    assert float((found - setting.expected()).abs().max()) < 1e-9


@pytest.mark.parametrize(("method", "options"), [case for case in CASES if "hydra" in case[0]])
@pytest.mark.parametrize("size", [1, 4, 9])
def test_a_dynamic_tree_leaves_the_law_the_targets(method, options, size, monkeypatch):
    setting = Setting(method, "top", size, **options)
    found = setting.found(monkeypatch)
    assert float((found - setting.expected()).abs().max()) < 1e-9


def off(setting, monkeypatch, spoil):
    return float((setting.found(monkeypatch, spoil) - setting.expected()).abs().max())


@pytest.mark.parametrize("method", GUESSING)
def test_top_children_judged_by_the_heads_own_law_are_found_out(method, monkeypatch):
    drawn = next(iter(Setting(method, "sampled").proposals(monkeypatch)))[1].laws
    assert off(Setting(method, "top"), monkeypatch, lambda proposal: drawn) > 1e-3


@pytest.mark.parametrize("method", GUESSING)
def test_children_judged_by_the_law_of_another_node_are_found_out(method, monkeypatch):
    setting = Setting(method, "sampled")
    assert off(setting, monkeypatch, lambda proposal: proposal.laws.roll(1, 0)) > 1e-3


@pytest.mark.parametrize("method", GUESSING)
def test_children_judged_by_a_law_without_the_processors_are_found_out(method, monkeypatch):
    def warmer(proposal):
        laws = proposal.laws ** PROCESSORS["temperature"]
        return laws / laws.sum(-1, keepdim=True).clamp_min(1e-30)

    assert off(Setting(method, "sampled"), monkeypatch, warmer) > 1e-3
