"""What is kept beside a draft model's weights: measured chances, and trees picked by them."""

import pytest

from engine.config import DecodeConfig
from engine.decoding import Run
from engine.heads.trees import TreeFile, Trees
from tests.fakes import text_of, tiny_bundle

STAR, CHAIN = ((0,), (1,), (2,)), ((0,), (0, 0), (0, 0, 0))
TREES = TreeFile(Trees(by_size={3: STAR}), Trees(by_size={3: CHAIN}))


def drafted(trees: TreeFile, config: DecodeConfig) -> list[tuple[int, ...]]:
    """Parents of every round's nodes."""
    bundle = tiny_bundle(20, 4)
    bundle.draft_trees = trees
    return [this.nodes.parent for this in Run(bundle, [1, 2, 3], config)]


@pytest.mark.parametrize(
    ("method", "temperature", "parents"),
    [
        ("draft_tree", 0.0, (-1, 0, 0, 0)),
        ("draft_tree", 1.0, (-1, 0, 1, 2)),
        ("draft", 0.0, (-1, 0, 1, 2)),
    ],
)
def test_a_stored_tree_of_the_asked_size_is_drafted_and_a_chain_stays_one(
    method, temperature, parents
):
    config = DecodeConfig(method, 20, tree=3, num_draft=3, temperature=temperature)
    assert drafted(TREES, config)[0] == parents


def test_another_size_is_planned_from_the_measured_chances():
    config = DecodeConfig("draft_tree", 20, tree=4)
    wide = TreeFile(Trees(((0.3, 0.25, 0.2, 0.15), (0.01,))))
    deep = TreeFile(Trees(((0.9, 0.01), (0.9, 0.01))))
    assert drafted(wide, config)[0] == (-1, 0, 0, 0, 0)
    assert drafted(deep, config)[0] == (-1, 0, 1, 2, 3)


@pytest.mark.parametrize("method", ["draft", "draft_tree"])
def test_what_was_measured_changes_the_drafts_and_never_the_text(method):
    plain = text_of(tiny_bundle(20, 4), [1, 2, 3], DecodeConfig(max_new_tokens=24))
    for trees in (TREES, TreeFile(Trees(((0.9, 0.01), (0.5, 0.1)))), TreeFile()):
        for tree in (3, "auto"):
            bundle = tiny_bundle(20, 4)
            bundle.draft_trees = trees
            assert text_of(bundle, [1, 2, 3], DecodeConfig(method, 24, tree=tree)) == plain
