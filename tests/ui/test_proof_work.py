"""A second press of Prove: when it is the same proof, and when another."""

import pytest

from tests.page import fakes
from ui.loader import Loader
from ui.proof_work import Proof, ProofWork
from ui.runner import Runner

WISH = ("a prompt", "draft", 0.7)


def proof(**more: float) -> Proof:
    """Asked for at 1,000 by the visitor's clock, over at 5,000; the server is 300 ms ahead."""
    return Proof(WISH, 1_000, end=5_300, lag=300, **more)


@pytest.mark.parametrize(
    ("asked", "stopped", "is_repeated"),
    [
        (1_200, None, True),  # a double click
        (4_900, None, True),
        (5_100, None, False),  # it was over: once more, please
        (1_200, 2_000, True),  # stopped afterwards: what ran has had its words
        (3_000, 2_000, False),  # stopped, and asked for again before it could end
        (3_000, 500, True),  # the stop was of an earlier one
        (float("inf"), None, False),  # a browser that tells no time
    ],
)
def test_what_is_asked_for_again_while_it_runs_is_the_same_proof(asked, stopped, is_repeated):
    known = proof() if stopped is None else proof(stopped=stopped)
    assert known.is_repeated(WISH, asked) == is_repeated


def test_other_settings_are_another_proof_and_the_first_of_a_visitor_repeats_none():
    assert not proof().is_repeated((*WISH[:2], 1.0), 1_200)
    assert not Proof().is_repeated(WISH, 1_200)


def test_tabs_that_never_said_good_bye_are_forgotten_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr("ui.proof_work.MOST", 3)
    work = ProofWork(Runner(Loader(fakes.bundle)), "proof", None, None)
    kept = [work._last(name) for name in "abc"]
    assert work._last("a") is kept[0]
    work._last("d")
    assert [*work.proofs] == ["b", "c", "d"]
