"""The device's loop says and records what the ordinary one does, whatever it decodes."""

import pytest
import torch

from engine.attention.tree_attention import use_tree_attention
from engine.config import DecodeConfig
from tests.engine.heads.features import feature_bundle
from tests.engine.heads.guessers import head_bundle
from tests.engine.loops import assert_same, both
from tests.engine.test_audit import BUSHY
from tests.fakes import METHODS, tiny_bundle

PROMPT = [1, 2, 3, 1, 2]
CHAIN = ((0,), (0, 0), (0, 0, 0))
HEADS = ("medusa", "hydra", "hydra++", "eagle", "eagle2", "eagle3")
PROCESSORS = {"top_k": 7, "top_p": 0.9, "repetition_penalty": 1.6}


def bundle_for(method, vocab=14, seed=3, **options):
    """A tiny target in fp64 with what drafts for it: two ways to add must not differ."""
    if method in METHODS:
        bundle = tiny_bundle(vocab, seed, **options)
        use_tree_attention(bundle.draft.double())
    elif method.startswith("eagle"):
        return feature_bundle(method, vocab, seed, dtype=torch.float64, **options)
    else:
        return head_bundle(method, vocab, seed, dtype=torch.float64, **options)
    bundle.target.double()
    return bundle


@pytest.mark.parametrize("method", (*METHODS, *HEADS))
@pytest.mark.parametrize(
    ("temperature", "drafting"), [(0.0, "top"), (1.0, "top"), (1.0, "sampled")]
)
@pytest.mark.parametrize("tree", [CHAIN, BUSHY], ids=["chain", "bushy"])
def test_every_method_decodes_the_same_either_way(method, temperature, drafting, tree):
    config = DecodeConfig(
        method, 24, temperature=temperature, tree=tree, num_draft=4, seed=2, drafting=drafting
    )
    ordinary, static, _ = both(bundle_for(method), PROMPT, config)
    assert_same(ordinary, static)


@pytest.mark.parametrize("method", ["suffix", "hydra"])
def test_the_attentions_mass_on_the_tree_is_reported_with_the_rest(method):
    bundle, config = bundle_for(method), DecodeConfig(method, 24, tree=BUSHY)
    use_tree_attention(bundle.target)  # the ordinary loop is told by it too
    ordinary, static, _ = both(bundle, PROMPT, config)
    assert_same(ordinary, static)
    masses = [this.mass for this in static if this.mass is not None]
    assert [this.mass is None for this in ordinary] == [this.mass is None for this in static]
    assert len({mass.share for mass in masses}) > 2
    bare = DecodeConfig(method, 24, tree=BUSHY, record=False)
    assert all(this.mass is None for this in both(bundle, PROMPT, bare)[1])


@pytest.mark.parametrize("temperature", [0.0, 0.8])
@pytest.mark.parametrize("method", ["plain", "suffix", "draft_tree", "medusa"])
def test_all_processors_act_the_same_on_the_device(method, temperature):
    config = DecodeConfig(
        method, 24, temperature=temperature, tree=BUSHY, num_draft=4, seed=5, **PROCESSORS
    )
    ordinary, static, _ = both(bundle_for(method), PROMPT, config)
    assert_same(ordinary, static)
