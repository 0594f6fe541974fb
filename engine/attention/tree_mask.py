"""The additive mask of some rows of a tree, for attention that does not know trees."""

import torch


def tree_mask(
    above: torch.Tensor, length: torch.Tensor, slots: int, dtype: torch.dtype
) -> torch.Tensor:
    """[1, 1, n, slots]: the committed text, the nodes down to each row, no more.

    Args:
        above: [n, size] bool, which of a tree's nodes each row sees.
        length: [1] slots of the committed text; the tree's stand behind it.
        slots: there are; what is masked of them must be finite.
    """
    size = above.shape[1]
    node = torch.arange(slots, device=length.device) - length  # [slots]
    seen = (node < 0) | ((node < size) & above[:, node.clamp(0, size - 1)])
    mask = torch.zeros(seen.shape, dtype=dtype, device=seen.device)
    return mask.masked_fill_(~seen, torch.finfo(dtype).min)[None, None]
