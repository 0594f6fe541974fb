import pytest
import torch

from engine import leave_a_core
from engine.threads import threads


@pytest.mark.parametrize(
    ("wanted", "processors", "left"),
    [
        (1, 1, 1),
        (2, 2, 1),
        (4, 4, 3),
        (8, 16, 8),  # torch leaves the second thread of every core alone by itself
        (16, 2, 1),  # it counts the machine's, this process may use two
        (1, 64, 1),
    ],
)
def test_one_processor_is_left_to_whoever_draws_the_page(wanted, processors, left):
    assert threads(wanted, processors) == left


@pytest.fixture
def set_to(monkeypatch):
    """What torch was told, if anything."""
    told = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    monkeypatch.setattr(torch, "set_num_threads", told.append)
    monkeypatch.setattr("engine.threads._processors", lambda: 4)
    return told


def test_torch_is_told_and_a_users_own_number_holds(set_to, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    leave_a_core()
    assert set_to == [3]
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    leave_a_core()
    assert set_to == [3]
