"""The law of the next tokens is the target's with EAGLE's drafters too, exactly."""

from functools import cache

import pytest
import torch

from engine.config import DecodeConfig
from engine.decoding import Run
from tests.engine.heads.features import FEATURES, feature_bundle
from tests.engine.heads.test_guessing_law import PROCESSORS, PROMPT, TREE, VOCAB, Setting, off

CASES = [(method, options) for method in FEATURES for options in ({}, {"draft_vocab": 3})]


class FeatureSetting(Setting):
    """The same with a feature head; ``tree`` is a number for a dynamic tree."""

    def __init__(self, method, drafting, tree=TREE, **options):
        bundle = feature_bundle(method, VOCAB, 3, dtype=torch.float64, **options)
        config = DecodeConfig(method, 20, tree=tree, drafting=drafting, **PROCESSORS)
        self.run = Run(bundle, PROMPT, config)
        self.law = cache(self._law)

    def proposals(self, monkeypatch):
        """Each proposal begins with the caches as they were."""
        for chance, proposal in super().proposals(monkeypatch):
            yield chance, proposal
            self._begin_again()

    def _begin_again(self):
        reader = self.run._drafter.reader
        reader.context.commit([])
        reader.waiting, reader._caught_up = [reader._states()[-1:]], 0


@pytest.mark.parametrize("drafting", ["top", "sampled"])
@pytest.mark.parametrize(("method", "options"), CASES)
def test_the_law_of_the_text_is_the_targets(method, options, drafting, monkeypatch):
    setting = FeatureSetting(method, drafting, **options)
    found = setting.found(monkeypatch)
    assert float(found.sum()) == pytest.approx(1.0, abs=1e-9)
    assert float((found - setting.expected()).abs().max()) < 1e-9


@pytest.mark.parametrize("method", ["eagle2", "eagle3"])
@pytest.mark.parametrize("size", [1, 4, 9])
def test_a_dynamic_tree_leaves_the_law_the_targets(method, size, monkeypatch):
    setting = FeatureSetting(method, "top", tree=size)
    found = setting.found(monkeypatch)
    assert float((found - setting.expected()).abs().max()) < 1e-9


@pytest.mark.parametrize("method", FEATURES)
def test_top_children_judged_by_the_heads_own_law_are_found_out(method, monkeypatch):
    drawn = next(iter(FeatureSetting(method, "sampled").proposals(monkeypatch)))[1].laws
    assert off(FeatureSetting(method, "top"), monkeypatch, lambda proposal: drawn) > 1e-3


@pytest.mark.parametrize("method", FEATURES)
def test_children_judged_by_the_law_of_another_node_are_found_out(method, monkeypatch):
    setting = FeatureSetting(method, "sampled")
    assert off(setting, monkeypatch, lambda proposal: proposal.laws.roll(1, 0)) > 1e-3


@pytest.mark.parametrize("method", FEATURES)
def test_children_judged_by_a_law_without_the_processors_are_found_out(method, monkeypatch):
    def warmer(proposal):
        laws = proposal.laws ** PROCESSORS["temperature"]
        return laws / laws.sum(-1, keepdim=True).clamp_min(1e-30)

    assert off(FeatureSetting(method, "sampled"), monkeypatch, warmer) > 1e-3
