"""Random draft trees with laws, as a drafter would hand them over for judgement."""

import torch

from kernels.accept import accept_reference
from tests.kernels.attention_cases import random_parents


class Tree:
    """Tokens drawn without replacement from q where there are laws, distinct ones elsewhere.

    ``like`` is how alike p and q are (1: the same), ``zeros`` how much of each has no mass.
    """

    def __init__(self, seed, nodes=10, vocab=40, *, laws=True, like=0.5, zeros=0.3, spare=0):
        rng = torch.Generator().manual_seed(seed)
        self.rng, self.nodes, self.vocab = rng, nodes, vocab
        rows = nodes + spare
        q = self._laws(torch.randn(rows, vocab, generator=rng), zeros)
        p = self._laws(torch.randn(rows, vocab, generator=rng), zeros)
        self.target_laws = (like * q + (1 - like) * p).contiguous()
        self.draft_laws = q if laws else None
        self.parents = torch.tensor([*random_parents(nodes, rng), *[-1] * spare])
        self.tokens = torch.zeros(rows, dtype=torch.long)  # padding nodes hold token 0
        for node in range(nodes):
            below = (self.parents == node).nonzero()[:, 0]
            if node and self.parents[node] < 0:  # cut off: so is all below it
                self.parents[below] = -1
                continue
            source = q[node] if laws else self.target_laws[node] + 0.01
            count = min(len(below), int((source > 0).sum()))
            drawn = source.multinomial(count, generator=rng) if count else below
            self.tokens[below[:count]] = drawn
            self.parents[below[count:]] = -1  # the mass ran out
        self.uniforms = torch.rand(rows, generator=rng, dtype=torch.float64)
        self.ends = torch.tensor([], dtype=torch.long)

    def _laws(self, logits, zeros):
        keep = torch.rand(logits.shape, generator=self.rng) >= zeros
        keep[:, 0] = True
        return (logits * 2).masked_fill(~keep, -torch.inf).softmax(-1)

    @property
    def laws(self):
        return self.tokens, self.parents, self.draft_laws, self.target_laws

    @property
    def arguments(self):
        return (*self.laws, self.uniforms, self.ends)

    @property
    def exact_laws(self):
        draft = None if self.draft_laws is None else self.draft_laws.double()
        return self.tokens, self.parents, draft, self.target_laws.double()

    @property
    def exact(self):
        return accept_reference(*self.exact_laws, self.uniforms, self.ends)
