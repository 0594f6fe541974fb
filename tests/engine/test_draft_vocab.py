"""A drafter's logits read as laws over the target's vocabulary."""

import pytest
import torch

from engine.config import DecodeConfig
from engine.draft_vocab import DraftVocab
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
