import asyncio
import subprocess
import threading

import pytest

import engine
from engine.model_files import ModelError
from engine.no_room import NoRoomError
from tests.page import fakes
from ui.loader import Loader, load_target
from ui.runner import Runner
from ui.stage_tab import Handlers


@pytest.fixture
def done(monkeypatch):
    """What loading the default target did, in its order."""
    steps = []

    class Bundle:
        def warm_up(self):
            steps.append("warm up")

    monkeypatch.setattr(engine, "leave_a_core", lambda: steps.append("leave"), raising=False)
    monkeypatch.setattr(engine, "fit_threads", lambda: steps.append("fit"), raising=False)
    monkeypatch.setattr(engine, "best_device", lambda: "cpu", raising=False)
    load = lambda device: steps.append(f"load on {device}") or Bundle()  # noqa: E731
    monkeypatch.setattr(engine, "load", load, raising=False)
    monkeypatch.setattr(subprocess, "run", lambda command, check: steps.append(command[-1]))
    return steps


def test_at_home_the_browser_has_a_core_before_anything_is_measured(done, monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    load_target()
    assert done == ["leave", "load on cpu", "warm up"]


def test_on_a_space_the_model_is_fetched_and_every_core_decodes(done, monkeypatch):
    monkeypatch.setenv("SPACE_ID", "somebody/speculoscope")
    load_target()
    assert done == ["engine.fetch", "fit", "load on cpu", "warm up"]


@pytest.mark.parametrize("error", [RuntimeError, ModelError, NoRoomError])
def test_a_card_decodes_where_it_can_and_else_the_processor_does(error, done, monkeypatch, capsys):
    monkeypatch.setenv("SPACE_ID", "somebody/speculoscope")
    monkeypatch.setattr(engine, "best_device", lambda: "cuda:0", raising=False)
    load_target()
    assert done == ["engine.fetch", "fit", "load on cuda:0", "warm up"]
    whole = engine.load

    def load(device):
        if device != "cpu":
            raise error("CUDA error: out of memory")
        return whole(device)

    monkeypatch.setattr(engine, "load", load, raising=False)
    load_target()
    assert done[4:] == ["engine.fetch", "fit", "load on cpu", "warm up"]
    assert "cuda:0 cannot decode: CUDA error: out of memory" in capsys.readouterr().err


def test_a_hundred_tabs_wait_for_the_model_without_a_thread_of_theirs():
    """Gradio has forty: pages opened while the model loads would find none left."""
    ready = threading.Event()
    loader = Loader(lambda: ready.wait(30) and fakes.bundle())
    loader.start()
    handlers, before = Handlers(Runner(loader)), threading.active_count()

    async def arrive():
        return [said async for said in handlers.arrive()]

    async def all_of_them():
        tabs = [asyncio.create_task(arrive()) for _ in range(100)]
        boxes = [asyncio.create_task(loader.over()) for _ in range(400)]
        await asyncio.sleep(0.1)
        assert threading.active_count() == before
        assert not any(task.done() for task in tabs + boxes)
        ready.set()
        return await asyncio.gather(*tabs), await asyncio.gather(*boxes)

    tabs, boxes = asyncio.run(all_of_them())
    assert all(boxes)
    assert all(len(said) >= 2 and '"text":""' in said[-1][2] for said in tabs)


def test_who_waits_a_while_only_hears_that_it_is_not_over():
    assert asyncio.run(Loader(fakes.bundle).over(0.01)) is False


@pytest.mark.parametrize(
    ("space", "words"), [("", "`make setup`"), ("somebody/speculoscope", "a restart of the Space")]
)
def test_without_the_model_the_page_says_what_helps_there_and_the_log_why(
    monkeypatch, tmp_path, capsys, space, words
):
    monkeypatch.setenv("SPACE_ID", space)
    monkeypatch.setattr("engine.store.target_folder", lambda: tmp_path / "nothing")

    def load():
        raise OSError("no route to the index")

    loader = Loader(load)
    loader.start()
    assert loader.wait(5)
    assert words in loader.problem and "no route" not in loader.problem
    assert "no route to the index" in capsys.readouterr().err
