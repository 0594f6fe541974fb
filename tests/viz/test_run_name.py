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
    ],
)
def test_a_run_is_named_by_the_settings_that_matter_most(told, words):
    assert settings_of(replace(HEADER, config=told)) == words


def test_plain_decoding_has_no_tree():
    told = {"temperature": 0, "tree": "auto", "rule": "block"}
    assert settings_of(replace(HEADER, method="plain", config=told)) == ["T 0"]
