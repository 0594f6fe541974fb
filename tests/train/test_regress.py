import pytest
import torch

from train.regress import regress


def test_a_linear_map_is_found_again_from_parts():
    generator = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(3, 5, generator=generator), torch.randn(3, generator=generator)
    parts = [torch.randn(40, 5, generator=generator) for _ in range(3)]
    found = regress(((rows, rows @ weight.T + bias) for rows in parts), ridge=0.0)
    assert torch.allclose(found.weight, weight, atol=1e-4)
    assert torch.allclose(found.bias, bias, atol=1e-4)


def test_a_ridge_shrinks_the_weights_and_keeps_the_mean():
    rows = torch.tensor([[1.0], [-1.0]])
    found = regress([(rows, 3 * rows + 5)], ridge=1.0)
    assert found.weight.item() == pytest.approx(1.5) and found.bias.item() == pytest.approx(5.0)


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(ValueError, match="nothing to learn from"):
        regress([])
