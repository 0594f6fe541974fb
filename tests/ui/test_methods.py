"""The method a visitor begins with."""

import pytest

from ui.methods import ANYWHERE, DEFAULT, first_choice

YES, NO = "available", "heads for hidden size 4096, this target has 576."


@pytest.mark.parametrize(
    ("methods", "chosen"),
    [
        ({"plain": YES, ANYWHERE: YES, DEFAULT: YES}, DEFAULT),
        ({"plain": YES, ANYWHERE: YES, DEFAULT: NO}, ANYWHERE),
        ({"plain": YES, ANYWHERE: YES}, ANYWHERE),
        ({ANYWHERE: NO, "plain": YES}, "plain"),
    ],
)
def test_one_begins_with_a_branching_tree_or_with_what_any_model_can_do(methods, chosen):
    assert first_choice(methods) == chosen
