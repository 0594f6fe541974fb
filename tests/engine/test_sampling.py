"""The processors are transformers' own, row by row; draws follow their law."""

from itertools import permutations

import pytest
import torch
from transformers import (
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from engine import sampling
from engine.config import DecodeConfig
from engine.sampling import Sampler, draw, draw_distinct

ROWS, VOCAB = 4, 50
HISTORIES = [[1, 2, 3], [1, 1, 9], [0], [49, 3, 7, 7]]


def logits(seed: int = 0, decimals: int = 1) -> torch.Tensor:
    """Rounded, so that there are ties."""
    rng = torch.Generator().manual_seed(seed)
    return (torch.randn(ROWS, VOCAB, generator=rng) * 3).round(decimals=decimals)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"top_k": 5},
        {"top_k": 500},
        {"top_p": 0.8},
        {"top_p": 1e-6},
        {"repetition_penalty": 1.5},
        {"repetition_penalty": 0.8, "top_k": 9, "top_p": 0.6},
    ],
)
def test_laws_are_those_of_transformers(options, seed):
    scores = logits(seed, decimals=4)
    ours = Sampler(DecodeConfig(temperature=0.7, **options)).laws(scores, HISTORIES)
    for row in range(ROWS):
        theirs, ids = scores[row : row + 1].clone(), torch.tensor([HISTORIES[row]])
        chain = [RepetitionPenaltyLogitsProcessor(options.get("repetition_penalty", 1.0))]
        chain.append(TemperatureLogitsWarper(0.7))
        chain += [TopKLogitsWarper(options["top_k"])] if "top_k" in options else []
        chain += [TopPLogitsWarper(options["top_p"])] if "top_p" in options else []
        for processor in chain:
            theirs = processor(ids, theirs)
        torch.testing.assert_close(ours[row], theirs.softmax(-1)[0], atol=1e-6, rtol=1e-5)


def test_temperature_0_is_one_hot_at_the_first_of_equal_maxima():
    scores = torch.tensor([[1.0, 3.0, 3.0, 0.0]])
    law = Sampler(DecodeConfig()).laws(scores, [[]])
    assert law.tolist() == [[0.0, 1.0, 0.0, 0.0]]


def nucleus(scores: torch.Tensor, top_p: float) -> torch.Tensor:
    """Laws [N, V] by transformers' own full sort."""
    return TopPLogitsWarper(top_p)(torch.zeros(len(scores), 1), scores).softmax(-1)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """Fills up with calls: what sorted, how many rows, how many entries of each."""
    calls, topk, whole = [], torch.Tensor.topk, sampling._sorted
    monkeypatch.setattr(
        torch.Tensor, "topk", lambda x, k: calls.append(("topk", len(x), k)) or topk(x, k)
    )
    monkeypatch.setattr(sampling, "_sorted", lambda x: calls.append(("sort", *x.shape)) or whole(x))
    return calls


def test_a_large_vocabulary_needs_no_full_sort_and_has_the_same_nucleus(monkeypatch):
    """A flat row's nucleus outgrows the first entries looked at; the others pay nothing for it."""
    rng = torch.Generator().manual_seed(1)
    scores = torch.randn(3, 30_000, generator=rng) * torch.tensor([[0.1], [8.0], [3.0]])
    calls = counted(monkeypatch)
    ours = Sampler(DecodeConfig(temperature=1.0, top_p=0.9)).laws(scores, [[], [], []])
    torch.testing.assert_close(ours, nucleus(scores, 0.9), atol=1e-7, rtol=1e-4)
    sizes = (ours > 0).sum(-1).tolist()
    assert sizes[0] > 2048 > sizes[2] > 256 > sizes[1]
    assert calls == [("topk", 3, 256), ("sort", 2, 30_000)]


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
def test_a_flat_law_is_sorted_once_and_no_more(temperature, monkeypatch):
    scores = torch.randn(2, 50_000, generator=torch.Generator().manual_seed(3)) * 3
    calls = counted(monkeypatch)
    ours = Sampler(DecodeConfig(temperature=temperature, top_p=0.95)).laws(scores, [[], []])
    assert calls == [("topk", 2, 256), ("sort", 2, 50_000)]
    theirs = nucleus(scores / temperature, 0.95)
    alike = (ours > 0) == (theirs > 0)
    assert (~alike).sum() <= 2  # at the edge, where the mass before an entry rounds to p
    torch.testing.assert_close(ours[alike], theirs[alike], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("few", [1, 3, 8])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_nucleus_is_as_large_and_as_probable_however_few_are_looked_at_first(few, dtype):
    """Of equals at its edge any will do."""
    for seed in range(20):
        probs = logits(seed, decimals=0).to(dtype).softmax(-1)
        ours, whole = (sampling._nucleus(probs, 0.9, size) for size in (few, VOCAB))
        torch.testing.assert_close(ours.sort().values, whole.sort().values)
        values = probs.sort(descending=True).values
        kept = values.masked_fill(values.cumsum(-1) - values >= 0.9, 0)
        expected = kept / kept.sum(-1, keepdim=True)
        torch.testing.assert_close(whole.sort(descending=True).values, expected)


def test_of_equals_at_the_edge_so_many_are_kept_as_the_mass_takes():
    for few in (2, 8):
        law = sampling._nucleus(torch.full((1, 8), 0.125), 0.6, few)
        assert sorted(law[0].tolist()) == pytest.approx([0] * 3 + [0.2] * 5)


def test_a_draw_inverts_the_cumulative_law():
    law = torch.tensor([0.0, 0.25, 0.0, 0.5, 0.25, 0.0], dtype=torch.float64)
    places = [(0.0, 1), (0.2499, 1), (0.25, 3), (0.7499, 3), (0.75, 4), (0.999999999, 4)]
    assert [draw(law, uniform) for uniform, _ in places] == [token for _, token in places]


def test_a_draw_never_gives_a_token_without_mass():
    law = torch.zeros(49152)
    law[7], law[49000] = 1e-30, 1.0
    uniforms = [0.0, 1e-12, 0.5, 1 - 1e-16]
    assert all(float(law[draw(law, uniform)]) > 0 for uniform in uniforms)


def test_distinct_draws_have_the_law_of_drawing_without_replacement():
    law = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    grid = [(i + 0.5) / 60 for i in range(60)]
    found = dict.fromkeys(permutations(range(3), 2), 0.0)
    for first in grid:
        for second in grid:
            found[tuple(draw_distinct(law, [first, second]))] += 1 / 3600
    for (one, two), share in found.items():
        exact = float(law[one] * law[two] / (1 - law[one]))
        assert share == pytest.approx(exact, abs=0.01)


def test_distinct_draws_stop_when_the_mass_runs_out():
    law = torch.tensor([0.0, 1.0, 0.0])
    assert draw_distinct(law, [0.5, 0.5, 0.5]) == [1]


def test_a_nucleus_of_everything_cuts_nothing_off():
    """In fp32 the mass before the rarest tokens may round to 1."""
    scores = torch.cat([torch.zeros(30_000), torch.full((20_000,), -14.0)])[None]
    everything = Sampler(DecodeConfig(temperature=1.0, top_p=1.0)).laws(scores, [[]])
    assert torch.equal(everything, scores.softmax(-1)) and everything.min() > 0


def test_a_penalty_asks_which_tokens_stood_before_a_node_and_not_where():
    """Ten thousand tokens of context are not copied for every node: all share one set of them."""
    sampler = Sampler(DecodeConfig(temperature=1.0, repetition_penalty=1.5))
    history, tokens, parents = [3, 4, 3, 4] * 2500 + [5], (5, 7, 3, 9), (-1, 0, 1, 0)
    texts = sampler.texts(history, tokens, parents, range(4))
    whole = [history, [*history, 7], [*history, 7, 3], [*history, 9]]
    assert [text.before.union(text.path) for text in texts] == [set(text) for text in whole]
    assert all(text.before is texts[0].before for text in texts)
    assert max(len(text.path) for text in texts) <= 3
    assert torch.equal(sampler.laws(logits(), texts), sampler.laws(logits(), whole))
