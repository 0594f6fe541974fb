"""What heads learn by the shifts of training is what they are asked for while drafting."""

import pytest
import torch
import torch.nn.functional as F

from engine.config import DecodeConfig
from engine.decoding import Run
from tests.engine.heads.guessers import GUESSING, head_bundle
from tests.engine.heads.test_guessing import hidden_states
from tests.fakes import text_of

CHAIN = ((0,), (0, 0), (0, 0, 0))
PROMPT = [1, 2, 3, 5]


def train(bundle, method, text, steps=150):
    """Teach the heads ``text`` by heart: head i at row t the token t + 2 + i."""
    attached = bundle.heads[method].attached
    heads, ids = attached.head.train().requires_grad_(True), torch.tensor(text)
    count = heads.num_heads
    rows = len(text) - 1 - count
    states = hidden_states(bundle, text)[None, :rows].clone()
    words = attached.embed(ids[None, 1 : rows + count]).clone()
    wanted = torch.stack([ids[t + 2 : t + 2 + count] for t in range(rows)])  # [T, K]
    optimizer = torch.optim.Adam(heads.parameters(), 1e-2)
    for _ in range(steps):
        if method == "medusa":
            logits = heads.logits(heads(states), attached.lm_head)
        else:
            hidden = heads(states, words).unbind(-2)
            parts = [heads.logits(head, h, attached.lm_head) for head, h in enumerate(hidden)]
            logits = torch.stack(parts, -2)
        loss = F.cross_entropy(logits.flatten(0, 2), wanted.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    heads.eval().requires_grad_(False)
    return float(loss.detach())


@pytest.mark.parametrize("method", GUESSING)
def test_heads_that_know_the_text_are_accepted_every_time(method):
    bundle = head_bundle(method, 14, 2, num_heads=3)
    text = [*PROMPT, *text_of(bundle, PROMPT, DecodeConfig(max_new_tokens=40))]
    assert len(set(zip(text, text[1:], text[2:], strict=False))) > 8  # no idle text
    config = DecodeConfig(method, 36, tree=CHAIN)
    untrained = sum(this.nodes.num_accepted for this in Run(bundle, PROMPT, config))
    assert train(bundle, method, text) < 0.05
    rounds = list(Run(bundle, PROMPT, config))
    assert all(this.nodes.num_accepted == 3 for this in rounds[:-1])
    assert len(rounds) == 9 and untrained < 27 - 9
