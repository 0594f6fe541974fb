import argparse
import json

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from engine.context import Context
from engine.heads.eagle3 import Eagle3Head
from tests.engine.heads.test_logit_shape import shaped
from tests.fakes import tiny_llama
from train import collect as module
from train.collect import batches, collect, open_store, part_of, top_law
from train.corpus import Row
from train.eagle3 import Eagle3
from train.labels import LabelStore, is_held_out
from train.states import LAST, StateStore, read_states, tapped


@pytest.fixture(scope="module")
def target():
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config).eval()


ROWS = [np.array([1, 2, 3]), np.array([4, 5, 6, 7, 8]), np.array([9])]


def test_a_batch_of_rows_has_the_laws_of_each_row_alone(target):
    for row, (last, _) in zip(ROWS, read_states(target, ROWS), strict=True):
        logprobs, ids = top_law(target, last, 7)
        with torch.no_grad():
            law = target(torch.from_numpy(row)[None]).logits[0].log_softmax(-1)
        best = law.topk(7)
        assert torch.allclose(logprobs, best.values, atol=1e-4)
        assert ids.tolist() == best.indices.tolist()


@pytest.mark.parametrize("name", ["granite", "cohere", "gemma2", "nanochat"])
def test_a_law_is_the_targets_whatever_it_makes_of_its_logits(name):
    deep, ids = shaped(name), torch.tensor([[3, 1, 4, 1, 5]])
    told = deep(ids, output_hidden_states=True)
    logprobs, tops = top_law(deep, told.hidden_states[-1][0], 5)
    best = told.logits[0].log_softmax(-1).topk(5)
    torch.testing.assert_close(logprobs, best.values, atol=1e-5, rtol=1e-5)
    assert tops.tolist() == best.indices.tolist()


def test_a_batch_of_rows_has_the_states_of_each_row_alone(target):
    for row, (_, kept) in zip(ROWS, read_states(target, ROWS), strict=True):
        with torch.no_grad():
            told = target.model(torch.from_numpy(row)[None], output_hidden_states=True)
        for name, index in tapped(2).items():
            assert np.allclose(kept[name], told.hidden_states[index][0], atol=2e-3)
        assert np.allclose(kept[LAST], told.last_hidden_state[0], atol=2e-3)


@pytest.mark.parametrize("layers", range(1, 7))
def test_a_target_of_any_depth_is_trained_on_the_states_that_are_decoded_with(layers):
    deep = tiny_llama(50, 0, layers)
    taps = Eagle3Head(deep.config).tapped(layers)
    context = Context(deep, 16, "target", taps, keeps_prompt=True)
    with torch.inference_mode():
        context.prefill(ROWS[1].tolist())
    ((_, kept),) = read_states(deep, [ROWS[1]])
    for tap, name in zip(taps, Eagle3.columns, strict=True):
        assert np.allclose(kept[name], context.states(tap).numpy(), rtol=1e-2, atol=5e-3)


def test_half_precision_keeps_the_order_of_the_laws_entries(target):
    half = LlamaForCausalLM(target.config).to(torch.bfloat16).eval()
    ((last, _),) = read_states(half, [np.arange(20)])
    logprobs, ids = top_law(half, last, 9)
    assert (logprobs.diff(dim=-1) <= 0).all()
    assert all(len(set(row)) == 9 for row in ids.tolist())


def test_states_out_of_half_precisions_range_are_held_at_its_ends(target):
    loud = LlamaForCausalLM(target.config).eval()
    with torch.no_grad():
        loud.model.norm.weight.fill_(1e6)
        ((_, kept),) = read_states(loud, [np.arange(5)])
    assert np.isfinite(kept[LAST]).all() and np.abs(kept[LAST]).max() == 65504


def test_states_lie_beside_the_labels_of_their_row(tmp_path):
    labels = LabelStore.create(tmp_path, [Row([1, 2], 0, True), Row([3], 0, True)], 2, {})
    store = StateStore.create(tmp_path, labels, 4)
    store.write(1, labels.span(1), dict.fromkeys(store.columns, np.full((1, 4), 7.0)))
    again = StateStore.open(tmp_path)
    assert again.done.tolist() == [False, True]
    assert again.columns[LAST].tolist() == [[0] * 4, [0] * 4, [7] * 4]


def test_rows_already_read_are_not_read_again(tmp_path):
    store = LabelStore.create(tmp_path, [Row([1] * n, 0, True) for n in range(1, 9)], 2, {})
    store.write(3, np.zeros((4, 2)), np.zeros((4, 2)))
    dealt = batches(store, np.flatnonzero(~store.done), 12, seed=0)
    assert sorted(row for rows in dealt for row in rows) == [0, 1, 2, 4, 5, 6, 7]
    assert all(max(len(store.row_ids(r)) for r in rows) * len(rows) <= 12 for rows in dealt)


@pytest.fixture
def told(target, tmp_path, monkeypatch):
    """What a collector of three rows is told."""
    target.save_pretrained(tmp_path / "target")
    chats = [Row([1, 2, 3 + number], 1, True) for number in range(3)]
    monkeypatch.setattr(module, "AutoTokenizer", argparse.Namespace(from_pretrained=str))
    monkeypatch.setattr(module, "read_chats", lambda corpus, part: chats)
    monkeypatch.setattr(module, "frame", lambda tokenizer, chat, length: chat)
    names = dict(part="replies", corpus=None, target=str(tmp_path / "target"), out=tmp_path)
    names |= dict(
        rows=0, measurable=0, length=8, top=2, tokens=64, device="cpu", dtype="float32", seed=0
    )
    return argparse.Namespace(**names)


@pytest.mark.parametrize("measurable", [0, 1, 4, 200])
def test_of_few_rows_enough_can_be_measured_on(measurable):
    """One in twenty is held out, so that a handful may well hold none."""
    everything = [Row([1, number, 5], 2, number % 2 == 0) for number in range(400)]
    fit = [row for row in everything if row.greedy and is_held_out(np.array(row.ids[:2]))]
    unfit = [row for row in everything if row not in fit]
    rows = [*unfit, *fit]
    chosen = part_of(iter(rows), 8, measurable)
    least = min(measurable, len(fit), 8)
    assert len(chosen) == 8 and chosen == [*unfit[: 8 - least], *fit[:least]]
    assert part_of(iter([*fit, *unfit]), 8, measurable) == [*fit, *unfit][:8]


def test_a_collector_says_how_much_is_there(told, capsys):
    collect(told)
    assert "0 of 3 rows are there" in capsys.readouterr().out
    collect(told)
    assert "3 of 3 rows are there" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "value"), [("rows", 2), ("top", 3), ("length", 9), ("seed", 1)])
def test_a_store_of_other_settings_is_refused(name, value, told):
    kept = getattr(told, name)
    open_store(told)
    setattr(told, name, value)
    with pytest.raises(SystemExit, match=f"laid out with --{name} {kept}, not {value}: ask"):
        open_store(told)


def test_a_store_that_does_not_say_its_rows_is_gone_on_with(told):
    open_store(told)
    path = told.out / "replies" / "facts.json"
    facts = json.loads(path.read_text())
    assert facts.pop("rows") == 0
    path.write_text(json.dumps(facts))
    told.rows = 2
    assert len(open_store(told)) == 3
