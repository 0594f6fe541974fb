"""trees.json: what is read, and what is refused with the node named."""

import json

import pytest

from engine.heads.checkpoint import HeadError
from engine.heads.trees import TreeFile, Trees, read_trees

# The beginning of the tree that Medusa's and Hydra's authors publish for a 7B model.
PUBLISHED = [[0], [0, 0], [1], [0, 1], [2], [0, 0, 0], [1, 0], [0, 2], [3], [0, 3]]
SMALL = [[0], [1], [0, 0]]


def read(tmp_path, told):
    (tmp_path / "trees.json").write_text(json.dumps(told))
    return read_trees(tmp_path)


def test_a_folder_without_the_file_knows_nothing(tmp_path):
    assert read_trees(tmp_path) == TreeFile(Trees(), Trees())


def test_trees_are_known_by_their_size_and_chances_by_depth_and_rank(tmp_path):
    told = {"chances": [[0.6, 0.2], [0.5]], "trees": {"3": SMALL, "10": PUBLISHED}}
    trees = read(tmp_path, told | {"sampled": {"trees": {"1": [[0]]}, "chances": [[0.4]]}})
    assert trees.top.chances == ((0.6, 0.2), (0.5,))
    assert trees.top.by_size[3] == ((0,), (1,), (0, 0))
    assert trees.top.by_size[10][-1] == (0, 0, 0) and len(trees.top.by_size[10]) == 10
    assert trees.sampled == Trees(((0.4,),), {1: ((0,),)})


def test_drawn_trees_may_stand_without_a_name(tmp_path):
    assert read(tmp_path, {"sampled": {"3": SMALL}}).sampled.by_size == {3: ((0,), (1,), (0, 0))}


@pytest.mark.parametrize("told", [PUBLISHED, {"medusa_choices": PUBLISHED}])
def test_a_published_list_of_choices_is_a_tree(tmp_path, told):
    assert set(read(tmp_path, told).top.by_size) == {10}


def test_trees_stand_beside_a_file_that_was_named_itself(tmp_path):
    (tmp_path / "heads.pt").write_bytes(b"")
    (tmp_path / "trees.json").write_text(json.dumps(SMALL))
    assert set(read_trees(tmp_path / "heads.pt").top.by_size) == {3}


def test_a_tree_may_be_given_by_its_parents(tmp_path):
    trees = read(tmp_path, {"trees": {"4": {"parents": [-1, 0, 0, 1, 2]}}})
    assert trees.top.by_size[4] == ((0,), (1,), (0, 0), (1, 0))


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        ([[0, 0], [0]], r"trees.8, node 1, \[0, 0\], stands before its parent \[0\]"),
        ([[0], [1, 0]], r"node 2, \[1, 0\], stands before its parent \[1\]"),
        ([[0], [0]], r"node 2 stands there twice: \[0\]"),
        ([[0], [2]], r"node 2, \[2\], lacks its elder"),
        ([[0], [-1]], "node 2 holds something else than ranks"),
        ([[0], ["1"]], "node 2 holds something else than ranks"),
        ([[0], [True]], "node 2 holds something else than ranks"),
        ([[0], []], "node 2 is no path of ranks"),
        ([[0], 1], "node 2 is no path of ranks"),
        ([[rank] for rank in range(10_000)], "has 10000 nodes; a tree has at most 256"),
        ("0", "trees.8 is no list of rank paths"),
        ({"parents": [-1, 0, 3, 2]}, r"node 2 is its own ancestor \(node 3\)"),
        ({"parents": [-1, 1]}, "node 1 is its own ancestor"),
        ({"parents": [-1, 2, 0]}, r"node 1 stands before its parent \(node 2\)"),
        ({"parents": [-1, 0, 9]}, "node 2 has no parent 9"),
        ({"parents": [-1, 0, -1]}, "node 2 has no parent -1"),
        ({"parents": [-1, 0, None]}, "node 2 has no parent None"),
        ({"parents": [0, 0]}, "node 0 is no root"),
        ({"parents": []}, "node 0 is no root"),
        ({"parents": [-1] + [0] * 10_000}, "has 10001 parents; at most 257 are read"),
        ({}, "has no list of parents"),
        ([[0], [1]], "trees.8 is a tree of 2"),
        ({"parents": [-1, 0]}, "trees.8 is a tree of 1"),
    ],
)
def test_a_tree_that_is_none_is_refused_with_its_node(tmp_path, tree, reason):
    for told in ({"trees": {"8": tree}}, {"sampled": {"trees": {"8": tree}}}):
        with pytest.raises(HeadError, match=f"^trees.json: .*{reason}"):
            read(tmp_path, told)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (3, "neither an object nor a list"),
        ({"trees": [1]}, "trees is no object"),
        ({"trees": {str(n): [] for n in range(300)}}, "trees is no object of at most 256"),
        ({"sampled": 3}, "sampled is no object"),
        ({"chances": 0.5}, "chances is no list"),
        ({"chances": [0.5]}, "chances is no list of rows"),
        ({"chances": [[0.5], [1.5]]}, "chances at depth 2 are no probabilities"),
        ({"chances": [[-0.1]]}, "chances at depth 1 are no probabilities"),
        ({"chances": [[0.6, 0.6]]}, "chances at depth 1 are no probabilities"),
        ({"chances": [[float("nan")]]}, "chances at depth 1 are no probabilities"),
        ({"chances": [["0.5"]]}, "chances at depth 1 are no probabilities"),
    ],
)
def test_other_entries_are_checked_too(tmp_path, told, reason):
    with pytest.raises(HeadError, match=reason):
        read(tmp_path, told)


def test_a_file_that_is_no_json_or_too_large_is_refused(tmp_path):
    for text, reason in (
        ("{", "cannot be read"),
        (" " * 2**21, "^trees.json is larger than 1 MiB"),
    ):
        (tmp_path / "trees.json").write_text(text)
        with pytest.raises(HeadError, match=reason):
            read_trees(tmp_path)
