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
        has_mass = laws > 0  # of what is no number nothing is drawn
        last = torch.where(has_mass, places, 0).amax(-1)  # never one without mass
        token = torch.minimum(_at(column, laws.masked_fill(~has_mass, 0.0)), last)
        tokens.append(token)
        found.append(has_mass.any(-1))
        laws = laws.scatter(1, token[:, None], 0.0)
    return torch.stack(tokens, -1), torch.stack(found, -1)


def _at(uniforms: torch.Tensor, laws: torch.Tensor) -> torch.Tensor:
    """[n] the token at each row's uniform; one behind the row's last, as it may be, is none.

    All rows are one sum: of rows summed side by side a card leaves each to one block alone.
    Every row adds 1, so that what is left of a law once its largest tokens were drawn is not
    lost in the sum.
    """
    rows, width = laws.double(), laws.shape[-1]
    rows = rows / rows.sum(-1, keepdim=True).clamp_min(torch.finfo(torch.float64).tiny)
    mass = rows.flatten().cumsum(0)
    ends = mass[width - 1 :: width]
    below = torch.cat([ends.new_zeros(1), ends[:-1]])
    token = torch.searchsorted(mass, below + uniforms * (ends - below), right=True)
    first = torch.arange(0, len(mass), width, device=mass.device)
    return (token - first).clamp_min(0)
