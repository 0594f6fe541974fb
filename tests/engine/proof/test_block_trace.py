"""A run judged by blocks is recorded so that its every verdict can be reached again."""

import pytest
import torch

from engine.config import DecodeConfig
from engine.sampling import Sampler
from engine.trace import Trace
from engine.verify import judge, judge_block
from tests.tables import table_bundle

PROMPT = [3, 7, 3, 5, 3]


def replay(rule, method):
    """Rounds of a run by blocks: how many drafted, and how many ``rule`` judges as recorded."""
    bundle = table_bundle(seed=4)
    tree = ((0,), (0, 0), (0, 0, 0))
    config = DecodeConfig(method, 80, temperature=0.9, num_draft=3, tree=tree, rule="block", seed=2)
    trace, sampler, text = Trace.record(bundle, PROMPT, config), Sampler(config), list(PROMPT)
    assert trace.header.config["rule"] == "block"
    drafted = same = 0
    for this in trace.rounds:
        nodes = this.nodes
        texts = [[*text, *nodes.token[1 : i + 1]] for i in range(len(nodes))]
        p, q = (
            sampler.laws(torch.stack([model.logits_after(t) for t in texts]), texts)
            for model in (bundle.target, bundle.draft)
        )
        uniforms = [0.5 if u is None else u for u in nodes.uniform]
        q = q if method == "draft" else None
        judgement = rule(nodes.token, nodes.parent, q, p, uniforms)
        kept = (*nodes.token[1 : len(judgement.path)], judgement.extra)
        if nodes.num_drafted:
            drafted += 1
            same += kept == this.emitted.token and judgement.path == nodes.path
        text += this.emitted.token
    return drafted, same


@pytest.mark.parametrize("method", ["draft", "lookup"])
def test_every_round_is_judged_again_from_its_record(method):
    drafted, same = replay(judge_block, method)
    assert drafted == same > 10


def test_the_other_rule_would_have_judged_otherwise():
    """The control: a run by blocks is not one token by token."""
    drafted, same = replay(judge, "draft")
    assert same < drafted
