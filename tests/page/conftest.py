import os
import socket
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import app
import engine
from tests.browser import FLAGS, find
from tests.page import fakes, places, synthetic
from tests.page.tab import Tab, heed
from tests.tables import table_bundle
from ui import traces
from ui.loader import Loader, load_target
from ui.runner import Runner

NOISE = ("Method not implemented.",)  # Gradio's own, on a file upload
ABORTED = ("AbortError", "Unexpected error Connection errored out")  # and on leaving the page
SHIPPED = Path(app.__file__).parent / "assets" / "traces"
IDLE, LATEST = "requestIdleCallback", "{ timeout: 5000 }"
GRADIOS_OWN = "ignore::pandas.errors.Pandas4Warning"  # gradio asks pandas for old options


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.page)
            item.add_marker(pytest.mark.filterwarnings(GRADIOS_OWN))


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """Three recorded runs."""
    folder = tmp_path_factory.mktemp("shelf")
    for number, name in enumerate(("first", "second", "third")):
        synthetic.trace(6, 8, seed=number).save(folder / f"{name}.jsonl")
    return folder


@pytest.fixture(scope="session")
def served(shelf):
    """The page with a fake decoder; its address and the decoder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(traces, "FOLDER", shelf)
        yield from serve(Loader(fakes.bundle), fakes.FakeDecoder())


@pytest.fixture(scope="session")
def real():
    """The page with the real default target, which is loaded and calibrated once."""
    yield from serve(Loader(load_target), engine)


def serve(loader, decoder):
    """The page on a free port: yields its address once, closes it afterwards."""
    loader.start()
    page = app.build(Runner(loader, decoder))
    app.launch(page, server_name="127.0.0.1", server_port=free_port())
    yield page.local_url, decoder
    page.close(verbose=False)


def free_port():
    """Of this machine, a moment ago."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=find(), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def tabs(browser):
    """One for served pages, one for files: what is compiled for a site is lost on the way to
    another.
    """
    return {"served": Tab(browser), "files": Tab(browser)}


@pytest.fixture
def tab(tabs, request):
    """For a test's only visitor, who comes faster than by the browser; see ``Tab``."""
    yield from lend(tabs["served"], request)


@pytest.fixture
def file_tab(tabs, request):
    """The same for files from disk."""
    yield from lend(tabs["files"], request)


def lend(tab, request):
    """The tab for a test, which takes it along when it fails."""
    before = request.session.testsfailed
    yield tab
    if request.session.testsfailed > before:
        tab.throw_away()


class Visit:
    """One visitor's tab, and what it asked for and complained of.

    Args:
        browser: or the shared tab.
    """

    def __init__(self, browser, address, **more):
        self.address = address
        self.context = browser.new_context(viewport={"width": 1440, "height": 900}, **more)
        self.page = self.context.new_page()
        self.page.set_default_timeout(40_000)
        self.requests, self.errors = [], []
        self._end = heed(
            self.page,
            request=lambda request: self.requests.append(request.url),
            pageerror=lambda error: self.errors.append(str(error)),
            console=self._note,
            domcontentloaded=self._forgive,
            load=self._forgive,
        )

    def _note(self, message):
        if message.type == "error" and message.text not in NOISE:
            self.errors.append(message.text)

    def _forgive(self, _):
        """Another document stands here: what the last one asked for was broken off."""
        self.errors[:] = [text for text in self.errors if not text.startswith(ABORTED)]

    def open(self, query=""):
        self.page.goto(self.address + query)
        self.page.wait_for_function("window.player && player.size > 0")
        self.page.wait_for_selector("#go")
        return self

    def ask(self, script):
        return self.page.evaluate(script)

    def until(self, script):
        self.page.wait_for_function(script)

    def decode(self, prompt="Why is the sky blue?"):
        """Press Decode and wait for the first round of the new run."""
        before = self.ask("player.run")
        self.page.fill("#prompt textarea", prompt)
        self.page.click("#go")
        self.until(f"player.run !== {before!r} && player.size > 0")

    def decode_whole(self, prompt="Why is the sky blue?"):
        """A whole run, and the player at rest in the middle of it."""
        self.decode(prompt)
        self.until("player.isDone")
        self.press("Home")

    def open_settings(self):
        """Unfold them; Gradio fills the fields in a moment after it shows them, whatever somebody
        has written there by then.
        """
        self.page.click("#settings button")
        self.page.wait_for_selector("#settings input")
        self.page.evaluate(f"new Promise((done) => {IDLE}(() => {IDLE}(done, {LATEST}), {LATEST}))")

    def press(self, *keys):
        """Keys for the player: nothing else has the focus."""
        self.page.evaluate("document.activeElement.blur()")
        for key in keys:
            self.page.keyboard.press(key)

    def rest(self):
        self.until("player.isSettled")

    @property
    def notice(self):
        return self.page.text_content("#notice .words")

    @property
    def state(self):
        """What the page says of the model."""
        return self.page.text_content("#notice .state")

    def open_file(self, path: Path):
        self.page.set_input_files("#house input[type=file]", str(path))

    @property
    def foreign(self):
        own = (self.address, "data:", "blob:")
        return [url for url in self.requests if not url.startswith(own)]

    def close(self):
        self._end()
        self.context.close()
        assert self.errors == []
        assert self.foreign == []


@pytest.fixture
def everywhere(browser, monkeypatch):
    """A visit to ``tests.page.places``: the runs that ship, and a decoder behind every tab."""
    monkeypatch.setattr(traces, "FOLDER", SHIPPED)
    for address, _ in serve(Loader(table_bundle), engine):
        visit = Visit(browser, address, device_scale_factor=2, reduced_motion="reduce")
        visit.page.set_default_timeout(40_000)
        places.arrive(visit.page, address)
        yield visit
        visit.close()


@pytest.fixture
def visitor(tab, served):
    """One who has yet to open an address."""
    address, decoder = served
    decoder.count, decoder.nodes, decoder.delay, decoder.room = 12, 8, 0.0, fakes.FakeRun.room
    decoder.measuring, decoder.breaks = 0.0, fakes.FakeRun.breaks
    visit = Visit(tab, address)
    visit.decoder = decoder
    yield visit
    visit.close()


@pytest.fixture
def visit(visitor):
    return visitor.open("?__theme=dark")
