import pytest
import torch

from train.loss import distillation_loss, slice_vocabulary

V, K = 40, 5


def laws(seed):
    generator = torch.Generator().manual_seed(seed)
    target = torch.randn(3, V, generator=generator).mul(2).softmax(-1)
    probs, ids = target.sort(descending=True)
    return target, ids[:, :K], probs[:, :K], torch.randn(3, V, generator=generator)


def whole():
    return slice_vocabulary(torch.arange(V), V, 0, torch.Generator())


@pytest.mark.parametrize("hard", [0.0, 0.3])
def test_over_the_whole_vocabulary_the_loss_is_the_cross_entropy_of_its_definition(hard):
    _, ids, probs, logits = laws(0)
    q = logits.softmax(-1).gather(1, ids)
    label = torch.cat([probs, 1 - probs.sum(-1, keepdim=True)], 1) * (1 - hard)
    label[:, 0] += hard
    q = torch.cat([q, 1 - q.sum(-1, keepdim=True)], 1)
    expected = -(label * q.log()).sum(-1).mean()
    assert torch.allclose(distillation_loss(logits, ids, probs, whole(), hard), expected)


def test_the_loss_is_least_where_the_drafter_is_the_target():
    target, ids, probs, _ = laws(1)
    logits = target.log().requires_grad_()
    distillation_loss(logits, ids, probs, whole(), 0.0).backward()
    assert logits.grad.abs().max() < 1e-6


def test_random_tokens_stand_for_all_the_others_in_the_normaliser():
    """The mean over 4,000 slices meets the full sum within 1 % (its spread is 0.2 %)."""
    logits = torch.randn(V, generator=torch.Generator().manual_seed(2))
    generator = torch.Generator().manual_seed(3)
    certain = torch.tensor([3, 7, 11])
    parts = [slice_vocabulary(certain, V, 8, generator) for _ in range(4000)]
    sums = [(logits[part.ids] + part.log_weight).exp().sum() for part in parts]
    assert torch.stack(sums).mean() == pytest.approx(logits.exp().sum().item(), rel=0.01)


def test_a_slice_holds_no_token_twice_and_finds_the_certain_ones():
    part = slice_vocabulary(torch.tensor([3, 7]), V, 10, torch.Generator().manual_seed(0))
    assert len(part.ids.unique()) == len(part.ids) == 12
    assert part.ids[part.place[torch.tensor([7, 3])]].tolist() == [7, 3]
    assert (part.place >= 0).sum() == 2


def test_a_top_token_outside_the_slice_counts_as_rest():
    _, ids, probs, logits = laws(4)
    certain = torch.tensor([i for i in range(V) if i not in ids[:, 1:]])
    inside = torch.cat([certain, ids[:, 0]]).unique()
    part = slice_vocabulary(inside, V, 0, torch.Generator())
    loss = distillation_loss(logits[:, part.ids], ids, probs, part, 0.0)
    assert loss.isfinite()


def test_a_best_token_outside_the_slice_is_taught_in_no_other_ones_place():
    """A draft vocabulary may lack it: its share of the label stays with the rest."""
    _, ids, probs, logits = laws(5)
    inside = torch.tensor([i for i in range(V) if i not in ids[:, 0]])
    part = slice_vocabulary(inside, V, 0, torch.Generator())
    seen = logits[:, part.ids]
    assert torch.equal(
        distillation_loss(seen, ids, probs, part, 0.3),
        distillation_loss(seen, ids, probs, part, 0.0),
    )
