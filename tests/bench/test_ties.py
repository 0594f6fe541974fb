"""Ties: what the card's benchmark tries is never decided by rounding."""

from dataclasses import replace

import pytest
import torch

from bench.gpu.ties import NEAR, off_ties
from bench.gpu.trees import random_laws
from kernels.accept import accept_reference
from kernels.thresholds import thresholds_reference

VOCAB, NODES = 500, 9


@pytest.fixture(params=range(8))
def laws(request):
    torch.manual_seed(request.param)
    return random_laws(torch.device("cpu"), VOCAB, NODES)


def limits(laws, wide):
    told = (laws.draft.double(), laws.target.double()) if wide else (laws.draft, laws.target)
    masses = thresholds_reference(laws.tokens, laws.parents, *told).masses.double()
    return masses[0] / masses[1]


def decisions(laws, wide):
    told = (laws.draft.double(), laws.target.double()) if wide else (laws.draft, laws.target)
    return accept_reference(laws.tokens, laws.parents, *told, laws.uniforms, laws.ends)[:4]


def tied(laws):
    """Each drafted node's uniform between its threshold in fp32 and that in fp64."""
    between = (limits(laws, wide=False) + limits(laws, wide=True)) / 2
    uniforms = torch.where(between < 1, between, laws.uniforms)
    uniforms[0] = laws.uniforms[0]
    return replace(laws, uniforms=uniforms)


def test_between_two_roundings_of_a_threshold_fp32_decides_otherwise_than_fp64():
    """The control of the next test: those uniforms are ties."""
    torch.manual_seed(0)
    cases = [tied(random_laws(torch.device("cpu"), VOCAB, NODES)) for _ in range(8)]
    alike = [
        all(map(torch.equal, decisions(case, wide=False), decisions(case, wide=True)))
        for case in cases
    ]
    assert not all(alike)


def test_off_ties_fp32_decides_as_fp64(laws):
    clear = off_ties(tied(laws))
    for found, exact in zip(decisions(clear, wide=False), decisions(clear, wide=True), strict=True):
        assert torch.equal(found, exact)


def test_a_uniform_far_from_its_threshold_stays(laws):
    clear, away = off_ties(laws), (laws.uniforms - limits(laws, wide=True)).abs() >= NEAR
    assert torch.equal(clear.uniforms[1:][away[1:]], laws.uniforms[1:][away[1:]])
    assert bool((clear.uniforms >= 0).all() and (clear.uniforms < 1).all())


def test_the_token_behind_the_path_is_still_what_chance_drew(laws):
    """The root's uniform moves within what its token takes of the law."""
    before, after = (decisions(case, wide=True) for case in (laws, off_ties(laws)))
    assert torch.equal(before[0], after[0]) and torch.equal(before[2], after[2])


def drawn(laws, uniform):
    """The token behind the path, at a uniform of the root."""
    uniforms = laws.uniforms.clone()
    uniforms[0] = uniform
    return int(decisions(replace(laws, uniforms=uniforms), wide=True)[2])


def test_a_draw_at_the_edge_of_two_tokens_moves_off_it(laws):
    low, high = 0.0, 1 - 1e-12
    token = drawn(laws, low)
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if drawn(laws, middle) == token else (low, middle)
    assert drawn(laws, low - 1e-9) != drawn(laws, low + 1e-9)
    uniforms = laws.uniforms.clone()
    uniforms[0] = low
    root = float(off_ties(replace(laws, uniforms=uniforms)).uniforms[0])
    assert drawn(laws, root - 1e-9) == drawn(laws, root) == drawn(laws, root + 1e-9)
