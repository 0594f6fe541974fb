import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from train.collect import batches, read_rows
from train.corpus import Row
from train.labels import LabelStore


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


def test_a_batch_of_rows_has_the_laws_of_each_row_alone(target):
    rows = [np.array([1, 2, 3]), np.array([4, 5, 6, 7, 8]), np.array([9])]
    for row, (ids, logprobs) in zip(rows, read_rows(target, rows, 7), strict=True):
        with torch.no_grad():
            law = target(torch.from_numpy(row)[None]).logits[0].log_softmax(-1)
        best = law.topk(7)
        assert np.allclose(logprobs, best.values.numpy(), atol=2e-3)
        assert ids.tolist() == best.indices.tolist()


def test_half_precision_keeps_the_order_of_the_laws_entries(target):
    half = LlamaForCausalLM(target.config).to(torch.bfloat16).eval()
    ((ids, logprobs),) = read_rows(half, [np.arange(20)], 9)
    assert (np.diff(logprobs.astype(np.float32)) <= 0).all()
    assert all(len(set(row)) == 9 for row in ids.tolist())


def test_rows_already_read_are_not_read_again(tmp_path):
    store = LabelStore.create(tmp_path, [Row([1] * n, 0, True) for n in range(1, 9)], 2, {})
    store.write(3, np.zeros((4, 2)), np.zeros((4, 2)))
    dealt = batches(store, 12, seed=0)
    assert sorted(row for rows in dealt for row in rows) == [0, 1, 2, 4, 5, 6, 7]
    assert all(max(len(store.row_ids(r)) for r in rows) * len(rows) <= 12 for rows in dealt)
