"""A drafter's logits read as laws over the target's vocabulary."""

import pytest
import torch

from engine.config import DecodeConfig
from engine.draft_vocab import DraftVocab
from engine.drafters.children import Children
from engine.sampling import Sampler

DTYPES = (torch.float32, torch.bfloat16, torch.float16)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bad", [torch.inf, -torch.inf, torch.nan])
@pytest.mark.parametrize("temperature", [0.01, 1.0])
def test_what_overflowed_is_drawn_from_by_a_law(dtype, bad, temperature):
    logits = torch.tensor([[0.0, bad, 1.0, bad]], dtype=dtype)
    vocab = DraftVocab(8, torch.tensor([1, 3, 4, 6]))
    sampler = Sampler(DecodeConfig(temperature=temperature))
    law = sampler.laws(vocab.widen(logits), [[0]])
    assert law.isfinite().all() and float(law.sum()) == pytest.approx(1.0)
    assert float(law[0, [0, 2, 5, 7]].sum()) == 0  # what is never guessed
    _, chances = vocab.top(logits, 4)
    assert sum(chances[0]) == pytest.approx(1.0, rel=2e-3)


PROCESSORS = [{}, {"top_k": 2}, {"top_p": 0.7}, {"repetition_penalty": 1.7, "top_k": 3}]


@pytest.mark.parametrize("options", PROCESSORS, ids=str)
def test_the_law_that_is_drawn_from_is_the_one_over_the_whole_vocabulary(options):
    vocab, texts = DraftVocab(9, torch.tensor([7, 1, 3, 4])), [[1, 1, 7], [3, 8]]
    logits = torch.tensor([[0.1, 1.0, -0.4, 0.6], [2.0, 0.3, 0.2, -1.0]])
    sampler = Sampler(DecodeConfig(temperature=0.8, **options))
    children = Children(vocab, sampler, torch.Generator().manual_seed(0))
    tokens, chances, laws = children.drawn(logits, texts, [2, 4])
    whole = sampler.laws(vocab.widen(logits), texts)
    assert torch.allclose(vocab.spread(laws), whole, atol=1e-7)
    for row, drawn, probs in zip(whole, tokens, chances, strict=True):
        assert len(set(drawn)) == len(drawn) and set(drawn) <= {7, 1, 3, 4}
        assert probs == pytest.approx(row[drawn].tolist()) and min(probs) > 0


def test_a_law_over_all_tokens_is_spread_as_it_is():
    law = torch.tensor([[0.25, 0.75]])
    assert DraftVocab(2).spread(law) is law and DraftVocab(2).name([1, 0]) == [1, 0]
