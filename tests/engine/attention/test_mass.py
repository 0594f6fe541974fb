"""Attention's mass on the tree: what the record says is what the softmax of that layer gave."""

import json

import pytest
import torch

from engine import DecodeConfig, Trace, TraceError
from engine.attention.mass_probe import MassProbe
from engine.attention.probing import probe_of
from engine.attention.tree_attention import use_tree_attention
from engine.attention.tree_mass import TreeMass
from engine.context import Context
from engine.run import Run
from engine.tree import ancestors
from tests.engine.small_llamas import llama, packed_twin
from tests.engine.test_trace import a_header, a_round
from tests.fakes import tiny_bundle

PROMPT, TOKENS, PARENTS = [5, 9, 3, 17, 4], (6, 7, 8, 9, 10, 11), (-1, 0, 0, 1, 1, 3)


@torch.inference_mode()
def told_by(model):
    """What a probe of the last layer tells of one tree behind the prompt."""
    context = Context(model, 32, "target")
    context.prefill(PROMPT)
    context.probe = probe_of(model)
    context.extend(TOKENS, PARENTS)
    return context.probe.read()


@torch.inference_mode()
def exact(model):
    """The same from the attention's weights, as transformers' eager attention gives them."""
    model.set_attn_implementation("eager")
    seen = torch.ones(len(PROMPT + [*TOKENS]), len(PROMPT + [*TOKENS])).tril().bool()
    seen[len(PROMPT) :, len(PROMPT) :] = torch.from_numpy(ancestors(PARENTS))
    mask = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)
    depth = torch.from_numpy(ancestors(PARENTS)).sum(-1) - 1
    places = torch.cat([torch.arange(len(PROMPT)), len(PROMPT) + depth])
    told = model(
        torch.tensor([[*PROMPT, *TOKENS]]),
        position_ids=places[None],
        attention_mask=mask[None, None],
        output_attentions=True,
    )
    weights = told.attentions[-1][0, :, len(PROMPT) :, len(PROMPT) :]  # [H, N, N]
    return weights.sum(-1).mean(0).tolist()


@pytest.mark.parametrize(("heads", "groups"), [(6, 2), (4, 4), (6, 1)])
def test_the_record_is_the_softmax_of_the_last_layer(heads, groups):
    model = llama(heads, groups)
    packed, by_kernels = packed_twin(model), llama(heads, groups)
    use_tree_attention(by_kernels)
    right = exact(model)
    for found in (told_by(packed), told_by(by_kernels)):
        assert found.layer == 2
        assert found.share == pytest.approx(right, abs=6e-4)  # three digits are kept
    assert max(right) - min(right) > 0.01


def test_transformers_own_attention_tells_nothing():
    model = llama(6, 2)
    assert probe_of(model) is None


@torch.inference_mode()
def test_without_a_prefix_all_of_it_is_the_trees():
    probe, rng = MassProbe(0), torch.Generator().manual_seed(0)
    probe.weigh(torch.randn(4, 3, 8, generator=rng), torch.randn(2, 3, 8, generator=rng), None, 1.0)
    assert probe.read().share == (1.0, 1.0, 1.0)


def test_rounds_carry_it_where_the_target_tells_it_and_a_tree_was_drafted():
    bundle = tiny_bundle()
    config = DecodeConfig("draft_tree", max_new_tokens=12, tree=((0,), (1,), (0, 0)))
    assert all(this.mass is None for this in Run(bundle, [3, 1, 4], config))
    use_tree_attention(bundle.target)
    rounds = list(Run(bundle, [3, 1, 4], config))
    assert any(this.mass for this in rounds)
    for this in rounds:
        assert (this.mass is None) == (len(this.nodes) == 1)
    plain = Run(bundle, [3, 1, 4], DecodeConfig(max_new_tokens=3))
    unrecorded = Run(bundle, [3, 1, 4], DecodeConfig("draft_tree", max_new_tokens=6, record=False))
    assert all(this.mass is None for this in [*plain, *unrecorded])


@pytest.mark.parametrize(
    ("mass", "reason"),
    [
        ({"layer": 2, "share": [0.5]}, "a column of the tree's nodes"),
        ({"layer": 2, "share": [0.5, 1.5, 0.1]}, "between 0 and 1"),
        ({"layer": 2, "share": [0.5, -0.1, 0.1]}, "between 0 and 1"),
        ({"layer": -1, "share": [0.5, 0.1, 0.1]}, "no layer -1"),
        ({"layer": 2, "share": "0.5"}, "expected an array"),
    ],
)
def test_a_file_that_claims_nonsense_is_refused(mass, reason, tmp_path):
    path = tmp_path / "run.jsonl"
    Trace(a_header(), (a_round(),)).save(path)
    header, line, _ = path.read_text().split("\n")
    nodes = len(json.loads(line)["nodes"]["token"])
    good = json.loads(line) | {"mass": {"layer": 2, "share": [0.5] * nodes}}
    path.write_text(f"{header}\n{json.dumps(good)}\n")
    assert Trace.load(path).rounds[0].mass == TreeMass(2, (0.5,) * nodes)
    path.write_text(f"{header}\n{json.dumps(good | {'mass': mass})}\n")
    with pytest.raises(TraceError, match=reason):
        Trace.load(path)
