"""Numbers that are none: the target's end a run with a sentence, a drafter's only cost tokens."""

import pytest
import torch

from engine import CutShortError
from engine.config import DecodeConfig
from engine.cut_short import NotFiniteError
from engine.decoding import decode
from engine.drafters.drafter import Proposal
from engine.recorder import record_nodes
from engine.trace import Trace
from engine.verify import Judgement
from tests.engine.device.test_round import static_run
from tests.engine.device.test_run import bundle_for
from tests.fakes import tiny_bundle

HEADS = ("medusa", "hydra", "hydra++", "eagle", "eagle2", "eagle3")
PROMPT = [1, 2, 3]


def spoil(model, value, token=5):
    """Let the last matrix of ``model`` say ``value`` of one token."""
    with torch.no_grad():
        model.get_output_embeddings().weight[token] = value


@pytest.mark.parametrize("opened", [decode, lambda bundle, _, config: static_run(bundle, config)])
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("record", [True, False])
def test_a_targets_logits_that_are_no_numbers_end_the_run_in_a_sentence(
    opened, value, temperature, record
):
    bundle = tiny_bundle(32, 0)
    spoil(bundle.target, value)
    config = DecodeConfig("lookup", 6, temperature=temperature, record=record)
    run = opened(bundle, PROMPT, config)
    with pytest.raises(NotFiniteError, match="logits came out as"):
        list(run)
    assert (run.end.reason, run.end.rounds, run.generated) == ("not_finite", 0, ())


def test_the_rounds_before_are_kept_and_saved(tmp_path, monkeypatch):
    bundle = tiny_bundle(32, 0)
    forward, passes = bundle.target.forward, []

    def tiring(*args, **more):
        passes.append(1)
        told = forward(*args, **more)
        told.logits = told.logits * (torch.nan if len(passes) > 3 else 1)
        return told

    monkeypatch.setattr(bundle.target, "forward", tiring)
    trace = Trace.record(bundle, PROMPT, DecodeConfig("plain", 20))
    assert trace.end.reason == "not_finite" and not trace.end.is_whole and trace.rounds
    trace.save(tmp_path / "cut.jsonl")
    assert Trace.load(tmp_path / "cut.jsonl") == trace


def test_logits_that_say_never_are_numbers():
    """A token that is masked out with minus infinity is no fault."""
    bundle = tiny_bundle(32, 0)
    bundle.target.lm_head.bias = torch.nn.Parameter(torch.zeros(32))
    with torch.no_grad():
        bundle.target.lm_head.bias[7] = -torch.inf
    assert len(list(decode(bundle, PROMPT, DecodeConfig("plain", 6, record=False)))) == 6
    assert issubclass(NotFiniteError, CutShortError)


@pytest.mark.parametrize("is_static", [False, True])
@pytest.mark.parametrize("method", HEADS)
@pytest.mark.parametrize("drafting", ["top", "sampled"])
def test_heads_whose_numbers_overflow_draft_in_vain_and_bend_nothing(method, drafting, is_static):
    """At temperature 0 the text is plain's; above it every law that is judged by is one."""
    bundle = bundle_for(method)
    attached = bundle.heads[method].attached
    with torch.no_grad():
        for parameter in attached.head.parameters():
            parameter[..., -1] = 3e38
    for temperature in (0.0, 1.0):
        config = DecodeConfig(method, 8, temperature=temperature, drafting=drafting, tree=6)
        run = static_run(bundle, config) if is_static else decode(bundle, PROMPT, config)
        rounds = list(run)
        assert run.end.reason == "length" and rounds
        if temperature == 0:
            plain = decode(bundle, run.prompt, DecodeConfig("plain", 8))
            assert list(plain) and run.generated == plain.generated


def test_a_node_that_was_not_judged_may_have_no_probability():
    """Its row decided nothing, and the run goes on."""
    proposal = Proposal((1, 2, 3, 4), (-1, 0, 1, 2), (0, 0, 0, 0), (None, 0.5, 0.5, 0.5))
    laws = torch.full((4, 8), 0.125)
    laws[2] = torch.nan  # below a node that was rejected
    nodes = record_nodes(proposal, Judgement((0,), (1,), 5, ()), [0.5] * 4, laws)
    assert nodes.target_prob == (None, 0.125, 0.125, None)
