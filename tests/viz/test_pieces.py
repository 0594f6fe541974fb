"""Token text in pictures: everything visible, nothing markup, nothing lost."""

import pytest

from viz.pieces import label, shorten, visible


@pytest.mark.parametrize(
    ("piece", "shown"),
    [
        (" and", "␣and"),
        ("\n", "⏎"),
        ("\t", "⇥"),
        ("", "∅"),
        ("\x00", "␀"),
        ("\x1b[0m", "␛[0m"),
        ("\u202eabc", "⟨202E⟩abc"),
        ("שלום", "שלום"),
        ("👩\u200d🔬", "👩\u200d🔬"),
        ("\ufffd", "\ufffd"),
    ],
)
def test_characters_are_made_visible_or_survive(piece, shown):
    assert visible(piece) == shown


def test_markup_is_escaped():
    assert label("<b>&") == "&lt;b&gt;&amp;"


def test_an_entity_is_never_cut_by_shortening():
    assert label("<<<<<<<<", 4) == "&lt;&lt;&lt;…"


def test_long_tokens_end_in_an_ellipsis():
    assert shorten("abcdefgh", 5) == "abcd…"
    assert shorten("abcde", 5) == "abcde"


def test_a_joined_emoji_is_not_cut_in_two():
    assert shorten("ab👩\u200d🔬cdef", 5) == "ab👩…"
