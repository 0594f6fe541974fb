import pytest
import torch
import torch.nn.functional as F

import train.distil as module
from engine.heads.logit_shape import LogitShape
from train.distil import distil
from train.loss import distillation_loss, slice_vocabulary

V, H, N, K = 40, 6, 11, 5


def setting(seed=0):
    generator = torch.Generator().manual_seed(seed)
    states = torch.randn(N, H, generator=generator)
    head = torch.randn(V, H, generator=generator)
    probs, ids = torch.randn(N, V, generator=generator).softmax(-1).sort(descending=True)
    part = slice_vocabulary(torch.arange(V), V, 0, generator)
    return states, head, ids[:, :K], probs[:, :K], part


@pytest.mark.parametrize("rows", [1, 4, N, 128])
@pytest.mark.parametrize("learns", [False, True])
def test_the_loss_and_its_gradients_are_those_of_all_rows_at_once(rows, learns, monkeypatch):
    monkeypatch.setattr(module, "ROWS", rows)
    states, head, *rest = setting()
    found = []
    for of in (distil, lambda s, h, *rest: distillation_loss(F.linear(s, h), *rest)):
        inputs = states.clone().requires_grad_(), head.clone().requires_grad_(learns)
        loss = of(*inputs, *rest, 0.3)
        (3 * loss).backward()  # what comes behind the loss scales its gradients
        found.append((loss.detach(), inputs[0].grad, inputs[1].grad))
    (ours, by_state, by_head), (loss, expected, expected_by_head) = found
    assert torch.allclose(ours, loss, rtol=1e-5)
    assert torch.allclose(by_state, expected, atol=1e-6)
    assert (by_head is None) == (not learns)
    assert not learns or torch.allclose(by_head, expected_by_head, atol=1e-6)


@pytest.mark.parametrize("shape", [LogitShape(0.125), LogitShape(2.0, 3.0)])
def test_states_are_judged_by_what_the_target_makes_of_their_logits(shape):
    states, head, *rest = setting(2)
    found = []
    for of in (distil, lambda s, h, *rest: distillation_loss(rest[-1](F.linear(s, h)), *rest[:-1])):
        inputs = states.clone().requires_grad_()
        loss = of(inputs, head, *rest, 0.0, shape)
        loss.backward()
        found.append((loss.detach(), inputs.grad))
    (ours, gradient), (loss, expected) = found
    assert torch.allclose(ours, loss, rtol=1e-5)
    assert torch.allclose(gradient, expected, atol=1e-6)


def test_short_floats_multiply_and_long_ones_judge():
    """Under autocast too: the loss of bf16 products, summed in fp32."""
    states, head, *rest = setting(1)
    inputs = states.requires_grad_(), head.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        loss = distil(*inputs, *rest, 0.0)
    loss.backward()
    products = F.linear(states.detach().bfloat16(), inputs[1]).float()
    assert loss.dtype == states.grad.dtype == torch.float32
    assert torch.allclose(loss, distillation_loss(products, *rest, 0.0), rtol=1e-5)
