"""Heads attend by trees where their target does: each level reads what a mask would let it."""

import pytest
import torch
from torch.nn.attention import flex_attention

import engine.attention.kernel_choice
import kernels.trials
from engine.attention.kernel_choice import use_kernels, use_kernels_in
from engine.attention.tree_attention import (
    attends_by_trees,
    use_tree_attention,
    use_tree_attention_in,
)
from engine.device.drafters.head_buffers import HeadBuffers
from engine.device.drafters.head_rows import HeadRows
from engine.device.tree_buffers import TreeBuffers
from engine.heads.attach_feature_head import attach_feature_head
from engine.heads.head_context import HeadContext
from engine.heads.medusa import MedusaHeads
from kernels.ancestors import unpack_ancestors
from kernels.attention_shape import AttentionShape
from kernels.device import attention_path
from kernels.trials import fault
from tests.engine.heads.features import random_head
from tests.engine.small_llamas import llama

PARENTS = (-1, 0, 0, 1, 1, 3)
LEVELS = ((0,), (1, 2), (3, 4), (5,))


def head_rows(method, by_trees):
    """A head's rows in a round, nothing read of them."""
    target = llama(4, 2, head_dim=64)
    attached = attach_feature_head(random_head(method, target.config, 5), target, packed=False)
    if by_trees:
        use_tree_attention_in(attached.head)
    buffers = HeadBuffers(attached, torch.zeros(1, 24), 64, "head")
    context = HeadContext(attached, 64, "head")
    buffers.cache.adopt(context.cache)
    context.cache = buffers.cache
    rows = buffers.tree(len(PARENTS))
    rows.fill((3, 9, 4, 7, 7, 1), PARENTS, 0, [3], 0)
    rows.send()
    return HeadRows(buffers, context, rows)


@torch.inference_mode()
def read_by_levels(method, by_trees):
    """[6, H] features behind the nodes, a pass a level, the last of them twice."""
    head, rng = head_rows(method, by_trees), torch.Generator().manual_seed(1)
    assert attends_by_trees(head.context.model) == by_trees
    above = unpack_ancestors(head.rows.bits)
    features = torch.randn(6, 24, generator=rng)
    found = torch.zeros(6, 24)
    for level in (*LEVELS, LEVELS[-1]):
        at = torch.tensor(level)
        found[at] = head.read(at, above[at], features[at])
    return found


@pytest.mark.parametrize("path", ["reference", "triton", "flex"])
@pytest.mark.parametrize("method", ["eagle", "eagle3"])
def test_a_level_reads_the_same_by_trees_as_by_a_mask(method, path, monkeypatch):
    monkeypatch.setattr(flex_attention, "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG", True)
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", path)
    by_mask, by_trees = read_by_levels(method, False), read_by_levels(method, True)
    torch.testing.assert_close(by_trees, by_mask, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_a_node_that_sees_its_sibling_would_show(monkeypatch):
    """The control: without the bits the trees' levels are not the masks'."""
    right = read_by_levels("eagle", True)
    everybody = lambda seen: torch.full((len(seen), 1), 0b111111, dtype=torch.int32)  # noqa: E731
    monkeypatch.setattr("engine.device.tree_buffers.pack_ancestors", everybody)
    wrong = read_by_levels("eagle", True)
    assert not torch.allclose(wrong[2], right[2], rtol=1e-3)


@pytest.mark.parametrize("is_fit", [False, True])
@pytest.mark.parametrize("target_does", [False, True])
def test_heads_do_as_their_target_where_their_own_shape_can(is_fit, target_does, monkeypatch):
    asked = []
    monkeypatch.setattr(
        engine.attention.kernel_choice,
        "is_fit",
        lambda shape: asked.append(shape[2:]) or is_fit,
    )
    target = llama(4, 2, head_dim=64)
    head = random_head("eagle", target.config, 5)
    before = head.config._attn_implementation
    if target_does:
        use_tree_attention(target)
    use_kernels_in(head, target)
    does = target_does and is_fit
    assert attends_by_trees(head) == does
    assert does or head.config._attn_implementation == before
    assert asked == ([(64, 2, 256, 2)] if target_does else [])
    use_kernels_in(MedusaHeads(24), target)  # nothing in it attends


def test_a_head_whose_shape_is_wrong_takes_nothing_from_its_target(monkeypatch):
    """What fails for a head's shape is refused to that head alone."""
    monkeypatch.setenv("SPECULOSCOPE_KERNELS", "triton")
    monkeypatch.setattr("kernels.device._refused", {})
    fault.cache_clear()
    target = llama(4, 2, head_dim=64)
    assert use_kernels(target).name == "triton"
    other = random_head("eagle", llama(4, 2, head_dim=128).config, 5)
    right = kernels.trials.tree_attention_triton

    def wrong(query, *rest, **more):
        found = right(query, *rest, **more)
        found.out.mul_(1 + (query.shape[2] == 128))
        return found

    monkeypatch.setattr("kernels.trials.tree_attention_triton", wrong)
    use_kernels_in(other, target)
    assert not attends_by_trees(other)
    use_kernels_in(head := random_head("eagle", target.config, 5), target)
    assert attends_by_trees(head)
    assert attention_path(AttentionShape(target.device, torch.float32, 64, 2, 8)).path == "triton"
    fault.cache_clear()


@torch.inference_mode()
def test_more_rows_than_were_tried_read_by_a_mask():
    """A larger tree's attention was tried with nobody; such passes are rare."""
    head = head_rows("eagle", True)
    rows = TreeBuffers(320, torch.device("cpu"))
    for count, name in ((256, "tree"), (257, "mask"), (320, "mask")):
        above = torch.ones(count, 320, dtype=torch.bool)
        told = rows.seen_by(head.context.model, above, 400, torch.float32)
        assert name in told and ("tree" in told) == (name == "tree")
