import subprocess

import pytest

import engine
from ui.loader import load_target


@pytest.fixture
def done(monkeypatch):
    """What loading the default target did, in its order."""
    steps = []

    class Bundle:
        def warm_up(self):
            steps.append("warm up")

    monkeypatch.setattr(engine, "leave_a_core", lambda: steps.append("leave"), raising=False)
    monkeypatch.setattr(engine, "load", lambda: steps.append("load") or Bundle(), raising=False)
    monkeypatch.setattr(subprocess, "run", lambda command, check: steps.append(command[-1]))
    return steps


def test_at_home_the_browser_has_a_core_before_anything_is_measured(done, monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    load_target()
    assert done == ["leave", "load", "warm up"]


def test_on_a_space_the_model_is_fetched_and_every_core_decodes(done, monkeypatch):
    monkeypatch.setenv("SPACE_ID", "somebody/speculoscope")
    load_target()
    assert done == ["engine.fetch", "load", "warm up"]
