"""Unrolled steps of training are what the head does in a run, row by row."""

import pytest
import torch

from engine.cache import SlotCache
from engine.heads.eagle import EagleHead
from engine.heads.eagle3 import HEAD_NORMS, Eagle3Head
from engine.heads.head_config import layer_config
from tests.engine.heads.test_eagle_files import CONFIG, H

ROWS, STEPS = 9, 4
KINDS = {
    "eagle": lambda config: EagleHead(config),
    "eagle3": lambda config: Eagle3Head(config, draft_vocab=8),
    "eagle3, Qwen3's layer": lambda config: Eagle3Head(
        config, frozenset({"lm_head.weight", *HEAD_NORMS})
    ),
    "eagle3, normed": lambda config: Eagle3Head(
        config, draft_vocab=8, is_residual_normed=True, is_output_normed=True
    ),
}


@pytest.fixture(params=KINDS)
def head(request):
    torch.manual_seed(3)
    head = KINDS[request.param](layer_config(CONFIG))
    for name, weight in head.named_parameters():
        if name in HEAD_NORMS:
            torch.nn.init.uniform_(weight, 0.5, 2.0)
    return head


def inputs(head):
    """Fused features [1, T, H] and words [1, T + steps - 1, H]."""
    torch.manual_seed(4)
    states = torch.randn(1, ROWS, head.fc.in_features if isinstance(head, Eagle3Head) else H)
    return head.fuse(states), torch.randn(1, ROWS + STEPS - 1, H)


def self_fed(head, features, words, row):
    """What a run predicts that has read the true features up to ``row``: [steps, H]."""
    cache, read = SlotCache("eagle", 1, ROWS + STEPS), row + 1
    positions = torch.arange(read)[None]
    found = [head(features[:, :read], words[:, :read], positions, None, cache)[:, -1:]]
    for step in range(1, STEPS):
        place = torch.tensor([[row + step]])
        mask = torch.zeros(1, 1, 1, read + step)
        word = words[:, row + step, None]
        found.append(head(found[-1], word, place, mask, cache))
    return torch.cat(found, 1)[0]


def test_every_step_of_every_row_is_the_runs(head):
    features, words = inputs(head)
    with torch.no_grad():
        steps = torch.cat(list(head.unroll(features, words, STEPS)))  # [steps, T, H]
        for row in range(ROWS):
            alone = self_fed(head, features, words, row)
            torch.testing.assert_close(steps[:, row], alone, atol=1e-5, rtol=1e-5)


def test_later_steps_are_not_the_first_again(head):
    """The control: steps differ by more than the test above lets pass."""
    features, words = inputs(head)
    with torch.no_grad():
        first, second, *_ = head.unroll(features, words, STEPS)
    assert (first[:, 1:] - second[:, :-1]).abs().amin(-1).max() > 1e-3


def test_rows_behind_a_texts_end_change_nothing_before_it(head):
    features, words = inputs(head)
    other, more = features.clone(), words.clone()
    other[:, 6:], more[:, 6 + STEPS :] = 7.0, -7.0
    with torch.no_grad():
        pairs = zip(
            head.unroll(features, words, STEPS), head.unroll(other, more, STEPS), strict=True
        )
        assert all(torch.equal(one[:, :6], two[:, :6]) for one, two in pairs)


def test_every_weight_of_the_layer_learns_from_later_steps(head):
    features, words = inputs(head)
    last = list(head.unroll(features, words, STEPS))[-1]
    head.to_head(last).square().sum().backward()
    idle = {"norm.weight", "lm_head.weight"} if isinstance(head, Eagle3Head) else set()
    for name, weight in head.named_parameters():
        assert name in idle or (weight.grad is not None and weight.grad.abs().sum() > 0), name
