"""What a trial compiles is what a round launches, for every size of tree: no variant is new."""

import pytest

from tests.kernels.uninterpreted import told_by

TRIED = ("_tree_attention_kernel", "_merge_kernel", "_walk_kernel", "_thresholds_kernel")
LARGE = ("72", "128")  # trees whose walk holds more nodes than that of a trial


@pytest.fixture(scope="module")
def told():
    """Of a process without the interpreter."""
    return told_by("tests.kernels.variants")


@pytest.mark.parametrize("kernel", TRIED)
def test_every_variant_that_a_round_launches_was_tried(told, kernel):
    tried = set(told["trials"][kernel])
    for size, found in told["rounds"].items():
        if kernel in TRIED[:2] or size not in LARGE:
            assert found[kernel] and set(found[kernel]) <= tried, size


def test_the_table_of_registers_is_of_the_attention_that_runs(told):
    for found in told["rounds"].values():
        assert set(found["_tree_attention_kernel"]) <= set(told["table"])


def test_trees_of_all_sizes_share_their_judgements_kernels(told):
    """Two of each: one more for trees beyond 64 nodes."""
    names = [name for name in told["rounds"]["1"] if name not in TRIED[:2]]
    assert len(names) > 4
    for name in names:
        usual = [set(found[name]) for size, found in told["rounds"].items() if size not in LARGE]
        assert all(found == usual[0] for found in usual), name
