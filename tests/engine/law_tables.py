"""Tables of laws over three tokens, every draft that can be drawn from one, what comes out."""

from itertools import permutations, product

import torch

from engine.verify import without
from tests.engine.enumeration import extend, outcomes

V = 3
EXACT = 1e-12


class Model:
    """A table of laws by text: p(text) [V]; ``sharp`` is how uneven they are."""

    def __init__(self, seed: int, sharp: float = 1.5, zeros: bool = False):
        rng = torch.Generator().manual_seed(seed)
        self.table = {}
        for length in range(4):
            for text in product(range(V), repeat=length):
                logits = torch.randn(V, generator=rng, dtype=torch.float64) * sharp
                if zeros:
                    logits[int(torch.randint(V, (1,), generator=rng))] = -torch.inf
                self.table[text] = logits.softmax(-1)

    def __call__(self, text) -> torch.Tensor:
        return self.table[tuple(text)]


def one_hot(model: Model) -> Model:
    """The same model at temperature 0."""
    for text, law in model.table.items():
        model.table[text] = torch.nn.functional.one_hot(law.argmax(), V).double()
    return model


def target_law(p: Model, length: int) -> torch.Tensor:
    law = torch.zeros((V,) * length, dtype=torch.float64)
    for text in product(range(V), repeat=length):
        law[text] = torch.stack([p(text[:i])[text[i]] for i in range(length)]).prod()
    return law


def laws(model: Model, tokens, parents) -> torch.Tensor:
    """[N, V] the model's law behind every node."""
    texts = [()]
    for node in range(1, len(tokens)):
        texts.append((*texts[parents[node]], tokens[node]))
    return torch.stack([model(text) for text in texts])


def chains(q: Model, length: int):
    """Every chain a draft model may draw, with its probability."""
    for text in product(range(V), repeat=length):
        weight = float(torch.stack([q(text[:i])[text[i]] for i in range(length)]).prod())
        if weight:
            yield (0, *text), tuple(range(-1, length)), weight


def output_law(rule, p: Model, drafts, q: Model | None, length: int) -> torch.Tensor:
    law = torch.zeros((V,) * length, dtype=torch.float64)
    for tokens, parents, weight in drafts:
        q_laws = None if q is None else laws(q, tokens, parents)
        arguments = (tokens, parents, q_laws, laws(p, tokens, parents))
        for outcome in outcomes(rule, len(tokens), *arguments):
            path = [tokens[node] for node in outcome.judgement.path[1:]]
            extend(law, path, outcome.judgement, weight * outcome.chance, p)
    return law


def siblings(q: Model, count: int):
    """Roots with ``count`` children drawn in turn without replacement, and their chance."""
    count = min(count, int((q(()) > 0).sum()))  # the mass may run out before
    for drawn in permutations(range(V), count):
        weight, rest = 1.0, q(())
        for token in drawn:
            weight *= float(rest[token])
            rest = without(rest, token)
        if weight:
            yield (0, *drawn), (-1, *(0,) * count), weight


def two_levels(q: Model):
    """A root with two children, and below the first of them two more."""
    for tokens, _, weight in siblings(q, 2):
        law = q((tokens[1],))
        for below in permutations(range(V), 2):
            chance = float(law[below[0]] * without(law, below[0])[below[1]])
            if chance:
                yield (*tokens, *below), (-1, 0, 0, 1, 1), weight * chance
