import pytest
import torch

from train.drawn import accept_chances, places


def law(*probs):
    return torch.tensor([probs])


def test_a_first_child_is_accepted_as_often_as_the_laws_overlap():
    target, draft = law(0.6, 0.3, 0.1), law(0.2, 0.3, 0.5)
    many = accept_chances(
        target.expand(20_000, -1), draft.expand(20_000, -1), 1, torch.Generator().manual_seed(0)
    )
    overlap = torch.minimum(target, draft).sum().item()
    assert many.mean().item() == pytest.approx(overlap, abs=0.01)  # spread: 0.003


def test_as_many_children_as_there_are_tokens_leave_nothing_over():
    generator = torch.Generator().manual_seed(1)
    target = torch.rand(50, 4, generator=generator).softmax(-1)
    draft = torch.rand(50, 4, generator=generator).softmax(-1)
    chances = accept_chances(target, draft, 4, generator)
    assert torch.allclose(chances.sum(-1), torch.ones(50), atol=1e-4)


def test_a_head_that_is_the_target_is_accepted_at_once():
    draft = law(0.5, 0.25, 0.25)
    chances = accept_chances(draft, draft, 3, torch.Generator().manual_seed(0))
    assert torch.allclose(chances, law(1.0, 0.0, 0.0))


def test_tokens_that_a_head_does_not_know_share_the_place_behind_its_last():
    found = places(torch.tensor([[7, 3], [9, 5], [0, 4]]), torch.tensor([3, 5, 7]))
    assert found.tolist() == [[2, 0], [3, 1], [3, 3]]
