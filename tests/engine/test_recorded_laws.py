"""The record of a round holds the largest entries of every law that judged."""

import pytest
import torch

from engine.drafters.drafter import Proposal
from engine.recorder import TOP, record_laws
from engine.verify import judge

VOCAB = 40


@pytest.mark.parametrize("refused", [0, 1, 3, TOP, TOP + 3])
def test_what_is_left_of_p_is_recorded_however_many_siblings_were_refused(refused):
    """Siblings that take p's largest tokens out of it, one after the other."""
    logits = torch.linspace(4, 0, VOCAB).repeat(refused + 1, 1)
    laws = logits.double().softmax(-1)
    tokens, parents = (0, *range(refused)), (-1, *[0] * refused)
    proposal = Proposal(tokens, parents, (0, *range(refused)), (None, *[1.0] * refused))
    judgement = judge(tokens, parents, None, laws, [0.999] * (refused + 1))
    assert len(judgement.rejected) == refused
    (law,) = record_laws(proposal, judgement, laws, logits, is_reordered=False)
    found = dict(zip(law.token, law.residual, strict=True))
    left = torch.tensor([0.0] * refused + laws[0, refused:].tolist())
    left /= left.sum()
    kept = TOP - refused if 2 * refused < TOP else TOP
    for token in left.topk(kept).indices.tolist():
        assert found[token] == pytest.approx(float(left[token]), rel=1e-5)
    assert all(found[token] == 0 for token in range(refused))
