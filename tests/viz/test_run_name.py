"""What a run is called where several stand beside each other."""

from dataclasses import replace

import pytest

from tests.page import synthetic
from viz.run_name import settings_of

BLOCKS = "chains as blocks"
HEADER = synthetic.header("A prompt")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"temperature": 0, "tree": "auto"}, ["T 0", "auto tree"]),
        ({"temperature": 0.7, "tree": [[0]]}, ["T 0.7", "tree of 1 node"]),
        ({"temperature": 0.7, "tree": 8, "rule": "block"}, ["T 0.7", "tree of 8 nodes", BLOCKS]),
        ({"temperature": 0.7, "tree": 8, "rule": "recursive"}, ["T 0.7", "tree of 8 nodes"]),
        ({}, []),
        ({"temperature": 1, "top_k": 1, "tree": "auto"}, ["T 1", "top-k 1", "auto tree"]),
        ({"temperature": 1, "top_p": 0.5, "top_k": None}, ["T 1", "top-p 0.5"]),
        ({"temperature": 1, "top_p": 1.0, "repetition_penalty": 1.0, "stop": []}, ["T 1"]),
        ({"repetition_penalty": 1.25, "stop": ["."]}, ["penalty 1.25", "stop strings"]),
        ({"chat": False}, ["no chat template"]),
        ({"chat": None, "tree": 8, "num_draft": 3}, ["tree of 8 nodes", "paths to 3"]),
        ({"tree": "auto", "num_draft": None, "drafting": "top"}, ["auto tree"]),
        ({"tree": 4, "drafting": "sampled"}, ["tree of 4 nodes", "guesses drawn"]),
    ],
)
def test_a_run_is_named_by_the_settings_that_matter_most(told, words):
    assert settings_of(replace(HEADER, config=told)) == words


@pytest.mark.parametrize("method", ["lookup", "draft"])
def test_what_never_branches_is_called_no_tree(method):
    for tree, words in [("auto", "auto length"), (16, "chain of 16 at most")]:
        assert settings_of(replace(HEADER, method=method, config={"tree": tree})) == [words]
    named = replace(HEADER, method=method, config={"tree": [[0], [0, 0]]})
    assert settings_of(named) == ["chain of 2 at most"]


def test_a_run_that_could_copy_from_earlier_ones_says_so():
    """Else its speed would be taken for that of a first run."""
    header = replace(HEADER, method="suffix", config={"tree": 8})
    assert settings_of(header) == ["tree of 8 nodes"]
    said = settings_of(replace(header, remembered=1234))
    assert said == ["tree of 8 nodes", "remembers 1,234 tokens"]


def test_plain_decoding_has_no_tree():
    told = {"temperature": 0, "tree": "auto", "rule": "block"}
    assert settings_of(replace(HEADER, method="plain", config=told)) == ["T 0"]
