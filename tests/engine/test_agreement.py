"""A draft model that is the target is always right: drafts see the same processors, by position."""

import pytest

from engine.config import DecodeConfig
from engine.decoding import Run
from tests.fakes import tiny_bundle
from tests.tables import table_bundle

PROCESSORS = {"top_k": 7, "top_p": 0.9, "repetition_penalty": 1.6}


@pytest.mark.parametrize(
    "bundle", [table_bundle(noise=0.0), tiny_bundle(20)], ids=["table", "llama"]
)
@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.5])
@pytest.mark.parametrize("rule", ["recursive", "block"])
@pytest.mark.parametrize("processors", [{}, PROCESSORS], ids=["bare", "all"])
def test_everything_is_accepted(bundle, temperature, rule, processors):
    bundle.draft = bundle.target
    config = DecodeConfig(
        "draft", 41, temperature=temperature, rule=rule, tree=4, num_draft=4, **processors
    )
    run = Run(bundle, [3, 1, 3], config)
    origins = ["accepted"] * 4 + ["bonus"]
    assert [list(this.emitted.origin) for this in run][:-1] == [origins] * 8


def test_the_first_child_of_a_tree_is_always_accepted_too():
    bundle = table_bundle(noise=0.0)
    config = DecodeConfig(
        "draft_tree", 31, temperature=1.0, tree=((0,), (1,), (0, 0), (0, 1)), **PROCESSORS
    )
    for this in Run(bundle, [3, 1, 3], config):
        if len(this.nodes) > 3:
            assert this.nodes.path[:2] == (0, 1) and "rejected" not in this.nodes.verdict
