"""Token text in pictures: everything visible, nothing markup, nothing lost."""

import pytest

from viz import pieces
from viz.pieces import digits, label, short, shorten, visible


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


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0.00"),
        (1, "1.00"),
        (0.345, "0.34"),
        (0.01, "0.01"),
        (0.0043, "0.0043"),
        (0.00012, "1.2e-4"),
        (3e-11, "3.0e-11"),
    ],
)
def test_a_share_that_is_held_against_another_keeps_two_digits(value, shown):
    assert digits(value) == shown
    assert short(value) == shown.removeprefix("0")


def test_of_a_long_piece_no_more_is_kept_than_is_shown():
    """A file may name tokens of a million letters; what is cached stays for all visitors."""
    pieces._visible.cache_clear()
    long = "a" * 1_000_000
    assert visible(long, 12) == "a" * 11 + "…" == visible("a" * 500, 12)
    assert pieces._visible.cache_info().currsize == 1
