"""accept: judge a draft tree on the device; nothing of it is read by the host.

Greedy: a node is accepted if it is the target's most probable token.  Sampled: by recursive
rejection, ``uniform * q < r`` (``kernels.thresholds``).  Either walks down from the root
(``kernels.walk``) and has one token behind the path: the most probable one, or a draw from the
last residual (``kernels.draw``).  The output's law is the target's own.
"""

from typing import NamedTuple

import torch

from kernels.device import runs_triton
from kernels.draw import draw_reference, draw_triton
from kernels.point_thresholds import point_thresholds_triton
from kernels.residual import residual_reference
from kernels.thresholds import thresholds_reference, thresholds_triton
from kernels.walk import Walk, walk_reference, walk_triton


class Accepted(NamedTuple):
    """A walk with what it was judged by, for the residual and the record."""

    path: torch.Tensor  # [N] int32: the root and the accepted nodes, then -1
    count: torch.Tensor  # [1] int32: nodes of the path
    extra: torch.Tensor  # [1] int64: the token behind it, -1 where the path ends the text
    verdicts: torch.Tensor  # [N] int8, as of ``Walk``
    links: torch.Tensor  # [2, N] int32, as of ``Thresholds``
    masses: torch.Tensor  # [4, N], as of ``Thresholds``


def accept_greedy_reference(
    tokens: torch.Tensor, parents: torch.Tensor, choice: torch.Tensor, ends: torch.Tensor
) -> Walk:
    """Eager version of ``accept_greedy``."""
    walk = walk_reference(tokens, parents, tokens == choice[parents.clamp_min(0)], ends)
    last = choice[walk.path[int(walk.count) - 1]].view(1)
    return walk._replace(extra=torch.where(walk.extra < 0, walk.extra, last))


def accept_reference(
    tokens: torch.Tensor,
    parents: torch.Tensor,
    draft_laws: torch.Tensor | None,
    target_laws: torch.Tensor,
    uniforms: torch.Tensor,
    ends: torch.Tensor,
) -> Accepted:
    """Eager version of ``accept``."""
    links, masses = thresholds_reference(tokens, parents, draft_laws, target_laws)
    passed = uniforms.double() * masses[1].double() < masses[0].double()
    walk = walk_reference(tokens, parents, passed, ends)
    path, count, extra, verdicts = walk
    if int(extra) == 0:
        judged = (tokens, draft_laws, target_laws, links, masses, path, count, extra)
        law = residual_reference(*judged, int(count))[-1]
        extra = draw_reference(law, uniforms[0])
    return Accepted(path, count, extra, verdicts, links, masses)


def accept_greedy_triton(
    tokens: torch.Tensor, parents: torch.Tensor, choice: torch.Tensor, ends: torch.Tensor
) -> Walk:
    """One launch; reads a few integers a node."""
    assert choice.shape == tokens.shape == parents.shape and choice.is_contiguous()
    return walk_triton(tokens, parents, ends, choice, None, None)


def accept_triton(
    tokens: torch.Tensor,
    parents: torch.Tensor,
    draft_laws: torch.Tensor | None,
    target_laws: torch.Tensor,
    uniforms: torch.Tensor,
    ends: torch.Tensor,
) -> Accepted:
    """Four or five launches: thresholds, walk, the last residual's sums, the draw."""
    assert uniforms.shape == tokens.shape and uniforms.is_contiguous()
    if draft_laws is None:
        links, masses = point_thresholds_triton(tokens, parents, target_laws)
    else:
        links, masses = thresholds_triton(tokens, parents, draft_laws, target_laws)
    walk = walk_triton(tokens, parents, ends, None, masses, uniforms)
    path, count, extra, verdicts = walk
    laws = (tokens, draft_laws, target_laws)
    draw_triton(*laws, links, masses, path, count, extra, uniforms)
    return Accepted(*walk, links, masses)


Tensors4 = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
Tensors6 = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


@torch.library.custom_op("speculoscope::accept_greedy", mutates_args=())
def _accept_greedy(
    tokens: torch.Tensor, parents: torch.Tensor, choice: torch.Tensor, ends: torch.Tensor
) -> Tensors4:
    work = accept_greedy_triton if runs_triton(tokens.device) else accept_greedy_reference
    return tuple(work(tokens, parents, choice, ends))


@torch.library.custom_op("speculoscope::accept", mutates_args=())
def _accept(
    tokens: torch.Tensor,
    parents: torch.Tensor,
    draft_laws: torch.Tensor | None,
    target_laws: torch.Tensor,
    uniforms: torch.Tensor,
    ends: torch.Tensor,
) -> Tensors6:
    work = accept_triton if runs_triton(tokens.device) else accept_reference
    return tuple(work(tokens, parents, draft_laws, target_laws, uniforms, ends))


@_accept_greedy.register_fake
def _(tokens, parents, choice, ends):  # noqa: ANN001, ANN202
    path, count = (tokens.new_empty(size, dtype=torch.int32) for size in (len(tokens), 1))
    extra = tokens.new_empty(1, dtype=torch.int64)
    return path, count, extra, tokens.new_empty(len(tokens), dtype=torch.int8)


@_accept.register_fake
def _(tokens, parents, draft_laws, target_laws, uniforms, ends):  # noqa: ANN001, ANN202
    nodes = len(tokens)
    path, count = (tokens.new_empty(size, dtype=torch.int32) for size in (nodes, 1))
    extra, verdicts = (
        tokens.new_empty(1, dtype=torch.int64),
        tokens.new_empty(nodes, dtype=torch.int8),
    )
    links = tokens.new_empty(2, nodes, dtype=torch.int32)
    return path, count, extra, verdicts, links, target_laws.new_empty(4, nodes)


def accept_greedy(
    tokens: torch.Tensor, parents: torch.Tensor, choice: torch.Tensor, ends: torch.Tensor
) -> Walk:
    """Judge a tree at temperature 0.

    Args:
        tokens: [N] integers; node 0 is the root.
        parents: [N] integers; parents come first.  Nodes but the root with parent -1 are padding.
        choice: [N] int64, the target's most probable token behind each node.
        ends: [E] end-of-sequence tokens; an accepted one ends the path and ``extra`` is -1.
    """
    return Walk(*_accept_greedy(tokens, parents, choice, ends))


def accept(
    tokens: torch.Tensor,
    parents: torch.Tensor,
    draft_laws: torch.Tensor | None,
    target_laws: torch.Tensor,
    uniforms: torch.Tensor,
    ends: torch.Tensor,
) -> Accepted:
    """Judge a tree by recursive rejection without replacement, and draw one token behind it.

    Args:
        tokens: [N] integers; node 0 is the root.
        parents: [N] integers; parents come first, siblings in the order they were drawn in.
            Nodes but the root with parent -1 are padding.
        draft_laws: [N, V] fp32, row i the law the first child of node i was drawn from, or
            ``None`` where every drafted node is a point mass.
        target_laws: [N, V] fp32, row i the target's law behind node i.
        uniforms: [N] in [0, 1), fp64 or fp32: one to test each node with, the root's to draw.
        ends: [E] end-of-sequence tokens; an accepted one ends the path and ``extra`` is -1.
    """
    return Accepted(*_accept(tokens, parents, draft_laws, target_laws, uniforms, ends))
