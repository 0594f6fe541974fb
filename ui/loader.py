"""Loads the model behind the page's back, so that the page is up at once."""

import os
import subprocess
import sys
import traceback
from asyncio import sleep
from collections.abc import Callable
from math import inf
from threading import Event, Thread
from time import monotonic
from typing import Any

import engine  # its ``load`` is looked up in the thread: it brings torch, and that takes seconds
from engine import store

BRING = "`make setup` (or `python -m engine.fetch`) brings it; then start the page again."
MISSED = "could not be fetched; a restart of the Space tries again, its log says why."
PAUSE = 0.5  # seconds between two looks of who waits


class Loader:
    """The bundle, as soon as it is there, and what to say until then.

    Attributes:
        bundle: ``None`` while it loads, and for good where loading failed.
        problem: why it failed, in a sentence; empty otherwise.
    """

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load
        self._done = Event()
        self._began = 0.0
        self.bundle: Any = None
        self.problem = ""

    def start(self) -> None:
        """Begin; once."""
        self._began = monotonic()
        Thread(target=self._work, name="load the model", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Whether it is over, one way or the other, after at most ``seconds``."""
        return self._done.wait(seconds)

    async def over(self, seconds: float = inf) -> bool:
        """As ``wait``, without a thread of its own: every open tab waits several times."""
        end = monotonic() + seconds
        while not self._done.is_set() and (left := end - monotonic()) > 0:
            await sleep(min(PAUSE, left))
        return self._done.is_set()

    @property
    def progress(self) -> str:
        """A sentence for who waits."""
        return f"The model is loading ({monotonic() - self._began:.0f} s); the recorded runs play."

    @property
    def methods(self) -> dict[str, str] | None:
        """The bundle's methods; ``None`` while they are not known."""
        return self.bundle.methods if self.bundle else None

    def _work(self) -> None:
        try:
            self.bundle = self._load()
        except Exception as error:  # whatever it is, the page lives and says it, and the log more
            traceback.print_exception(error)
            self.problem = _why(error)
        finally:
            self._done.set()


def load_target() -> Any:
    """The default target with its drafters, calibrated: the first run must not wait for that."""
    if os.environ.get("SPACE_ID"):  # nobody can type the command on a Hugging Face Space
        subprocess.run([sys.executable, "-m", "engine.fetch"], check=True)
        engine.fit_threads()
    else:  # the browser is on this machine, most likely
        engine.leave_a_core()
    device = engine.best_device()
    try:
        return _warm(device)
    except Exception as error:  # of the card, as a rule; if of the model, the CPU says it again
        if device == "cpu":
            raise
        print(f"{device} cannot decode: {error}", file=sys.stderr, flush=True)
        return _warm("cpu")


def _warm(device: str) -> Any:
    """Loaded there, and calibrated."""
    bundle = engine.load(device=device)
    bundle.warm_up()
    return bundle


def _why(error: Exception) -> str:
    """What is missing, and what brings it."""
    if store.is_whole(store.target_folder()):
        return f"The model could not be loaded: {error}"
    if os.environ.get("SPACE_ID"):
        return f"The model {store.NAME} {MISSED}"
    return f"The model {store.NAME} is not on this machine: {BRING}"
