"""Ties: uniforms so near to what they are held against that rounding would decide."""

from dataclasses import replace

import torch

from bench.gpu.trees import Laws
from kernels.accept import accept_reference
from kernels.residual import residual_reference
from kernels.thresholds import thresholds_reference

NEAR = 1e-4  # of a uniform; thresholds in fp32 are off by some 1e-6 at the most


def off_ties(laws: Laws) -> Laws:
    """The same laws, with uniforms at which fp32 decides as fp64 does.

    A node's is moved off the threshold it is tested against, the root's, which draws the token
    behind the path, into the middle of what that token takes of its law.
    """
    told = (laws.tokens, laws.parents, laws.draft.double(), laws.target.double())
    masses = thresholds_reference(*told).masses
    limit = masses[0] / masses[1].clamp_min(torch.finfo(torch.float64).tiny)
    apart = torch.where(limit > 0.5, limit - 2 * NEAR, limit + 2 * NEAR)
    is_near = (laws.uniforms - limit).abs() < NEAR
    uniforms = torch.where(is_near, apart, laws.uniforms.double())
    judged = accept_reference(*told, uniforms, laws.ends)
    if (token := int(judged.extra)) >= 0:
        asked = (*told[:1], *told[2:], judged.links, judged.masses, *judged[:3])
        law = residual_reference(*asked, int(judged.count))[-1]
        uniforms[0] = (law[:token].sum() + law[token] / 2) / law.sum()
    return replace(laws, uniforms=uniforms)
