"""Tokens drawn without replacement on the device: ``sampling.draw_distinct`` for rows at once."""

import torch


def distinct_rows(laws: torch.Tensor, uniforms: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """[n, k] tokens in the order drawn, and [n, k] bool: whether mass was left to draw from.

    Args:
        laws: [n, V].
        uniforms: [n, k] fp64, one a token.
    """
    places, tokens, found = torch.arange(laws.shape[-1], device=laws.device), [], []
    for column in uniforms.unbind(1):
        mass = laws.double().cumsum(-1)
        token = torch.searchsorted(mass, column[:, None] * mass[:, -1:], right=True)
        last = torch.where(laws > 0, places, 0).amax(-1, keepdim=True)  # never one without mass
        tokens.append(torch.minimum(token, last))
        found.append((laws > 0).any(-1))
        laws = laws.scatter(1, tokens[-1], 0.0)
    return torch.cat(tokens, -1), torch.stack(found, -1)
