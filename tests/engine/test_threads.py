import pytest
import torch

from engine import fit_threads, leave_a_core
from engine.threads import quota, threads


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
    assert threads(wanted, processors - 1) == left


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


def test_where_nobody_draws_all_that_may_run_at_once_decode(set_to, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    fit_threads()
    monkeypatch.setattr("engine.threads._processors", lambda: 2)
    fit_threads()
    assert set_to == [4, 2]


@pytest.mark.parametrize(
    ("told", "processors"),
    [
        ({"cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "150000 100000"}, 1),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu.max": "nonsense"}, None),
        ({"cpu/cpu.cfs_quota_us": "400000", "cpu/cpu.cfs_period_us": "100000"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({}, None),
    ],
)
def test_a_containers_share_of_the_processors_is_read(told, processors, tmp_path):
    (tmp_path / "cpu").mkdir()
    for name, text in told.items():
        (tmp_path / name).write_text(text + "\n")
    assert quota(tmp_path) == processors
