"""What drafters are examined on, and what a model of its own guesses there."""

import json

import numpy as np
import pytest
import torch

from tests.train.tiny_text import VOCAB, tiny_part, tiny_target
from train.exam import all_ranks, read_answers, table
from train.measure import Answer, count_rounds, hits
from train.ranks import all_rows, chain_paths, tree_figures
from train.standalone import Standalone
from train.states import read_states


def test_answers_are_read_once(tmp_path, monkeypatch):
    target, answers = tiny_target(), [Answer(np.arange(6), 2)]
    first = read_answers(target, answers, tmp_path / "held", "one", top=VOCAB)
    monkeypatch.setattr("train.exam.read_states", lambda *_: pytest.fail("read again"))
    again = read_answers(target, answers, tmp_path / "held", "one", top=VOCAB)
    assert np.array_equal(first.states.columns["last"], again.states.columns["last"])
    assert first.ready.all()


@pytest.mark.parametrize("facts", [{"target": "one"}, {}])
def test_another_targets_answers_are_read_anew_and_so_are_those_of_nobody(facts, tmp_path):
    other, answers = tiny_target(seed=1), [Answer(np.arange(6), 2)]
    held = read_answers(tiny_target(), answers, tmp_path / "held", "one", top=VOCAB)
    before = np.array(held.states.columns["last"])
    (tmp_path / "held" / "facts.json").write_text(json.dumps(facts))
    told = read_answers(other, answers, tmp_path / "held", "two", top=VOCAB).states.columns
    ((_, states),) = read_states(other, [answers[0].ids])
    assert np.array_equal(told["last"], states["last"])
    assert not np.array_equal(told["last"], before)


def test_other_answers_are_read_anew(tmp_path):
    target, folder = tiny_target(), tmp_path / "held"
    read_answers(target, [Answer(np.arange(6), 2)], folder, "one", top=VOCAB)
    part = read_answers(target, [Answer(np.arange(8), 2)], folder, "one", top=VOCAB)
    assert part.labels.row_ids(0).tolist() == list(range(8)) and part.ready.all()


def test_a_table_has_a_chain_and_every_size_of_tree():
    sizes = {str(size): [(0,)] for size in (4, 8, 16, 32, 64)}
    rows = table({"text": [np.zeros((4, 4), int)]}, sizes)
    assert [row[1] for row in rows] == ["chain of 4", *(f"tree of {size}" for size in sizes)]
    assert rows[0][2:] == (4.0, 4, 1) and rows[1][2:] == (2.0, 4, 2)


def test_a_model_of_its_own_ranks_each_token_by_the_text_before_it(tmp_path):
    """Whatever was drafted before it: the same text has the same law."""
    part, model = tiny_part(tiny_target(), tmp_path, rows=6), tiny_target(seed=3)
    told = all_ranks(Standalone(), model, all_rows(part), model.lm_head.weight)
    for row, found in enumerate(told):
        ids, first = part.labels.row_ids(row), int(part.labels.first[row])
        with torch.inference_mode():
            logits = model(torch.from_numpy(ids)[None].long()).logits[0]
        for at in range(first, len(ids)):
            rank = int((logits[at - 1] > logits[at - 1, ids[at]]).sum())
            met = [found[at - first - d, d] for d in range(min(at - first + 1, found.shape[1]))]
            assert set(met) == {rank}


@pytest.mark.parametrize("seed", range(3))
def test_its_chains_are_those_of_one_pass(seed, tmp_path):
    part, model = tiny_part(tiny_target(), tmp_path, rows=6, seed=seed), tiny_target(seed=3)
    found = all_ranks(Standalone(), model, all_rows(part), model.lm_head.weight)
    answers = [Answer(part.labels.row_ids(row), 3) for row in range(6)]
    rounds = sum(count_rounds(hits(model, answer), 4) for answer in answers)
    assert tree_figures(found, chain_paths(4)).rounds == rounds
