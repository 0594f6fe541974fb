import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from train.measure import Answer, count_rounds, figures, hits, trim


@pytest.mark.parametrize(
    ("hit", "rounds"),
    [
        ("1111 1", 1),  # four accepted and the bonus token, which needs no draft
        ("0000", 4),  # every token recovered
        ("1101 1111", 2),  # two accepted, one recovered; four accepted, one over
        ("", 0),
        ("1", 1),
    ],
)
def test_rounds_are_walked_as_a_decoder_would(hit, rounds):
    assert count_rounds(np.array([c == "1" for c in hit if c != " "], bool), 4) == rounds


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=17,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
        eos_token_id=None,  # answers of full length
    )
    return LlamaForCausalLM(config).eval()


def test_a_model_meets_its_own_greedy_answer_at_every_token(model):
    prompt = torch.tensor([[3, 5, 2]])
    ids = model.generate(
        prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=10, do_sample=False
    )
    answer = Answer(ids[0].numpy(), 3)
    assert hits(model, answer).all() and len(hits(model, answer)) == ids.shape[1] - 3
    other = answer.ids.copy()
    other[5] = (other[5] + 1) % 17
    assert not hits(model, Answer(other, 3))[2]


@pytest.mark.parametrize(("num_draft", "rounds"), [(1, 2 + 2), (2, 2 + 1), (4, 2 + 1)])
def test_figures_are_means_over_all_tokens_and_rounds(num_draft, rounds, monkeypatch):
    """Of two answers: 1 0 1 is a round and a token, 1 1 1 as long as the chain, and one over."""
    met = iter([np.array([True, False, True]), np.array([True, True, True])])
    monkeypatch.setattr("train.measure.hits", lambda model, answer: next(met))
    answer = Answer(np.arange(5), 2)
    assert figures(None, [answer, answer], num_draft) == (5 / 6, 6 / rounds, 6, rounds)


def test_figures_are_those_of_the_models_own_guesses(model):
    answer = Answer(np.array([1, 2, 3, 4, 5, 6]), 2)
    met = hits(model, answer)
    told = figures(model, [answer], num_draft=2)
    assert (told.agreement, told.tokens) == (met.mean(), 4)
    assert told.rounds == count_rounds(met, 2)


def test_a_padded_line_is_trimmed_to_prompt_and_answer():
    line = np.array([0, 0, 5, 6, 7, 8, 2, 2, 2])
    assert trim(line, 4, 2, 2).ids.tolist() == [5, 6, 7, 8, 2]
    assert trim(line[:6], 4, 2, 2).ids.tolist() == [5, 6, 7, 8]
    assert trim(line, 4, 2, 2).first == 2
