"""Norms of one kernel give what the model's own give."""

import pytest
import torch

from engine.device.norms import FusedNorm, fuse_norms
from engine.packed.model import NORMS
from tests.engine.small_llamas import llama

TOKENS = torch.tensor([[5, 9, 3, 17, 4]])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@torch.inference_mode()
def test_a_model_says_the_same_with_fused_norms(dtype):
    model, twin = llama(4, 2).to(dtype), llama(4, 2).to(dtype)
    assert fuse_norms(twin) is twin
    assert not any(type(part) in NORMS for part in twin.modules())
    assert sum(type(part) is FusedNorm for part in twin.modules()) == 7  # 3 layers, and the last
    torch.testing.assert_close(twin(TOKENS).logits, model(TOKENS).logits, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_in_half_precision_they_round_no_worse():
    model = llama(4, 2)
    halves = [llama(4, 2).bfloat16(), fuse_norms(llama(4, 2).bfloat16())]
    right = model(TOKENS).logits
    own, fused = (float((each(TOKENS).logits.float() - right).norm()) for each in halves)
    assert fused < 1.5 * own


def test_a_norm_of_another_kind_is_left_alone():
    class Centred(NORMS[0]):
        pass

    model = torch.nn.Sequential(Centred(8), torch.nn.LayerNorm(8))
    fuse_norms(model)
    assert [type(part) for part in model] == [Centred, torch.nn.LayerNorm]
