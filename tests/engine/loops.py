"""One run through the ordinary loop and one through the device's, held against each other."""

import pytest

from engine.attention.tree_attention import use_tree_attention, use_tree_attention_in
from engine.bundle import Bundle
from engine.config import DecodeConfig
from engine.decoding import Run, decode
from engine.device.fuse import fuse
from engine.device.run import StaticRun
from engine.records import Law, Round

NEAR = 2e-5  # relative: records have six digits, and the ordinary one is in fp32 here and there


def both(
    bundle: Bundle, prompt, config: DecodeConfig
) -> tuple[list[Round], list[Round], StaticRun]:
    """The rounds of both loops, and the run of the device's; seeds and bundle are the same."""
    swapped(bundle)
    bundle.wants_static = False
    one = decode(bundle.for_visitor(), prompt, config)
    assert type(one) is Run
    ordinary = list(one)
    use_tree_attention(bundle.target)
    bundle.wants_static = True
    two = decode(bundle.for_visitor(), prompt, config)
    assert type(two) is StaticRun
    static = list(two)
    assert one.generated == two.generated and one.end.reason == two.end.reason
    return ordinary, static, two


def swapped(bundle: Bundle) -> Bundle:
    """Its modules and its heads' attention those that a card's are; for both loops, whose
    norms are in fp32 else.
    """
    heads = [each.attached.head for each in bundle.heads.values()]
    for head in heads:
        use_tree_attention_in(head)
    for module in (bundle.target, bundle.draft, *heads):
        if module is not None:
            fuse(module)
    return bundle


def assert_same(ordinary: list[Round], static: list[Round], near: float = NEAR) -> None:
    """Round by round, to the last column but the seconds."""
    assert len(ordinary) == len(static)
    for one, two in zip(ordinary, static, strict=True):
        assert (one.index, one.start, one.emitted, one.caches) == (
            two.index,
            two.start,
            two.emitted,
            two.caches,
        )
        for name in ("token", "parent", "rank", "uniform", "verdict"):
            assert getattr(one.nodes, name) == getattr(two.nodes, name), name
        for name in ("draft_prob", "target_prob", "accept_prob"):
            left, right = (
                [-1 if x is None else x for x in getattr(r.nodes, name)] for r in (one, two)
            )
            assert right == pytest.approx(left, rel=near), name
        if one.mass is not None:  # it had the kernels too; in three digits
            assert two.mass.layer == one.mass.layer
            assert two.mass.share == pytest.approx(one.mass.share, abs=1.1e-3)
        assert len(one.laws) == len(two.laws)
        for law, other in zip(one.laws, two.laws, strict=True):
            assert_same_law(law, other, near)


def assert_same_law(one: Law, two: Law, near: float = NEAR) -> None:
    """The same entries; which of the tokens without mass are named is anybody's choice."""
    assert one.node == two.node
    rows, others = _rows(one), _rows(two)
    for token in rows.keys() & others.keys():
        assert others[token] == pytest.approx(rows[token], rel=near, abs=1e-9)
    for token in rows.keys() ^ others.keys():
        _, draft, residual, _ = rows.get(token) or others[token]
        assert draft == 0 or residual == 0
    assert rows.keys() & others.keys()


def _rows(law: Law) -> dict[int, tuple[float, ...]]:
    return {
        token: numbers
        for token, *numbers in zip(
            law.token, law.target, law.draft, law.residual, law.model, strict=True
        )
    }
