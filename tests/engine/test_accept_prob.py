"""What a uniform is held against: recorded for every tested node, and what decided."""

import json
from dataclasses import replace

import pytest
import torch

from engine import DecodeConfig, Trace, decode
from engine.drafters.drafter import Proposal
from engine.recorder import record_nodes
from engine.verify import accept_prob, judge, judge_block
from tests.engine.law_tables import Model, chains, laws, siblings, two_levels
from tests.tables import table_bundle


def judged(rule, seed, drafts):
    """(uniforms, judgement) of ``rule`` over ``drafts`` of random laws."""
    p, q = Model(seed), Model(seed + 100)
    drawn = torch.Generator().manual_seed(seed)
    for tokens, parents, _ in drafts(q):
        uniforms = torch.rand(len(tokens), generator=drawn, dtype=torch.float64).tolist()
        arguments = (tokens, parents, laws(q, tokens, parents), laws(p, tokens, parents))
        yield uniforms, rule(*arguments, uniforms)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("drafts", [lambda q: siblings(q, 3), two_levels, lambda q: chains(q, 3)])
def test_a_node_is_accepted_where_its_uniform_is_below_what_it_is_held_against(seed, drafts):
    verdicts = set()
    for uniforms, judgement in judged(judge, seed, drafts):
        tested = {*judgement.path[1:], *judgement.rejected}
        assert judgement.accept_probs.keys() == tested
        for node, chance in judgement.accept_probs.items():
            assert (uniforms[node] < chance) == (node in judgement.path)
            verdicts.add(node in judgement.path)
    assert verdicts == {True, False}


@pytest.mark.parametrize("seed", range(4))
def test_a_block_is_kept_up_to_the_last_node_below_its_own(seed):
    rescued = 0
    for uniforms, judgement in judged(judge_block, seed, lambda q: chains(q, 3)):
        chances = judgement.accept_probs
        assert list(chances) == [1, 2, 3]
        passed = [node for node, chance in chances.items() if uniforms[node] < chance]
        assert judgement.path[-1] == max(passed, default=0)
        rescued += any(uniforms[node] >= chances[node] for node in judgement.path[1:])
    assert rescued  # one that fails by itself is kept with a later one: else it is no block


def test_a_second_sibling_is_held_against_what_the_first_has_left():
    p, q = torch.tensor([[0.5, 0.3, 0.2]]), torch.tensor([[0.2, 0.4, 0.4]])
    rows = (q.repeat(3, 1), p.repeat(3, 1))
    found = judge((0, 1, 2), (-1, 0, 0), *rows, [0.5, 0.9, 0.9]).accept_probs
    assert found[1] == pytest.approx(0.75)  # 0.3 / 0.4
    assert found[2] == 0.0  # max(p - q, 0) leaves nothing of it; p/q says 0.5
    points = judge((0, 1, 2), (-1, 0, 0), None, rows[1], [0.5, 0.9, 0.9]).accept_probs
    assert points[2] == pytest.approx(0.2 / 0.7)


@pytest.mark.parametrize(
    ("r", "q", "chance"), [(0.2, 0.4, 0.5), (0.4, 0.2, 1), (0, 0, 0), (1, 0, 1)]
)
def test_a_chance_to_be_accepted_is_never_above_1(r, q, chance):
    assert accept_prob(r, q) == chance


def test_what_was_not_tested_or_is_cut_off_has_none():
    proposal = Proposal((0, 1, 2, 1), (-1, 0, 0, 1), (0, 0, 1, 0), (None, 1.0, 1.0, 1.0))
    law = torch.tensor([[0.0, 1.0, 0.0]]).repeat(4, 1)
    uniforms = [0.5] * 4
    judgement = judge(proposal.tokens, proposal.parents, None, law, uniforms)
    assert record_nodes(proposal, judgement, uniforms, law).accept_prob == (None, 1.0, None, 1.0)
    short = judgement.cut(1, proposal.parents)
    assert record_nodes(proposal, short, uniforms, law).accept_prob == (None, 1.0, None, None)
    assert record_nodes(proposal, judgement, uniforms, None).accept_prob is None


def test_a_run_records_it_and_a_file_without_it_is_read(tmp_path):
    bundle = table_bundle()
    config = DecodeConfig("draft", 12, temperature=1.0, num_draft=3, rule="block")
    trace = Trace.of(decode(bundle, [1, 2, 3], config))
    for nodes in (this.nodes for this in trace.rounds):
        told = [chance is not None for chance in nodes.accept_prob]
        assert told == [verdict in ("accepted", "rejected") for verdict in nodes.verdict]
    trace.save(tmp_path / "new.jsonl")
    assert Trace.load(tmp_path / "new.jsonl") == trace
    lines = [json.loads(line) for line in (tmp_path / "new.jsonl").read_text().splitlines()]
    for line in lines[1:-1]:
        del line["nodes"]["accept_prob"]
    (tmp_path / "old.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    bare = [replace(this, nodes=replace(this.nodes, accept_prob=None)) for this in trace.rounds]
    assert list(Trace.load(tmp_path / "old.jsonl").rounds) == bare
