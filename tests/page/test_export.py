"""An exported run: opened from disk with the network off, it plays and nothing in it runs."""

from dataclasses import replace
from time import monotonic, sleep

import pytest

from engine.trace import Trace
from tests.page import synthetic
from tests.page.tab import heed
from viz.notebook import show
from viz.standalone import standalone

HURT = "</script><script>window.hurt = 1</script><img src=x onerror='window.hurt = 2'>"
PANELS = ("tree", "judgement", "mask", "caches", "timeline")


class File:
    """A file opened from disk in a browser without a network."""

    def __init__(self, browser, path, **more):
        self.context = browser.new_context(
            viewport={"width": 1440, "height": 900}, offline=True, **more
        )
        self.page = self.context.new_page()
        self.errors, self.requests = [], []
        self._end = heed(
            self.page,
            pageerror=lambda error: self.errors.append(str(error)),
            console=lambda said: self.errors.append(said.text),
            request=lambda asked: self.requests.append(asked.url),
        )
        self.page.goto(path.as_uri())

    def ask(self, script):
        return self.page.evaluate(script)

    def until(self, script):
        """By asking again: its own rule forbids the page to run what is sent as text."""
        end = monotonic() + 15
        while not self.ask(script):
            assert monotonic() < end, (script, self.errors)
            sleep(0.05)

    def open(self):
        self.until("Boolean(window.player?.isDone)")
        return self

    def close(self):
        self._end()
        self.context.close()
        assert self.errors == []
        assert all(url.startswith(("file:", "data:", "blob:")) for url in self.requests)
        assert sum(url.startswith("file:") for url in self.requests) == 1


def evil() -> Trace:
    """A run whose prompt, pieces and texts are markup."""
    whole = synthetic.trace(6, 8)
    pieces = {token: f"{HURT}{token}" for token in synthetic.PIECES}
    rounds = tuple(
        replace(
            this,
            pieces=pieces,
            emitted=replace(this.emitted, text=tuple(HURT for _ in this.emitted.token)),
        )
        for this in whole.rounds
    )
    return Trace(replace(whole.header, prompt=HURT, method=HURT), rounds, whole.end)


def test_the_button_writes_a_file_that_plays_the_same_run(visit, file_tab, tmp_path):
    visit.decode_whole()
    with visit.page.expect_download() as waiting:
        visit.page.click(".stage .bar .export")
    assert waiting.value.suggested_filename.endswith(".html")
    path = tmp_path / "run.html"
    waiting.value.save_as(path)
    assert path.stat().st_size < 6_000_000
    wanted = visit.ask("[player.size, player.length]")
    text = visit.page.text_content(".stage .words")
    file = File(file_tab, path).open()
    assert file.ask("[player.size, player.length]") == wanted
    assert file.page.text_content(".stage .words") == text
    file.close()


def test_a_run_that_is_exported_before_its_end_says_what_it_lacks(visit, file_tab, tmp_path):
    visit.decoder.count, visit.decoder.delay = 300, 0.05
    visit.decode()
    visit.until("player.size > 3")
    with visit.page.expect_download() as download:
        visit.page.click(".bar .export")
    visit.page.click("#stop")
    download.value.save_as(tmp_path / "early.html")
    file = File(file_tab, tmp_path / "early.html").open()
    file.page.keyboard.press("End")
    file.until("player.state === 'paused' && player.position === player.length - 1")
    assert "after the run" not in file.page.text_content("#facts")
    assert "of plain, not measured" in file.page.text_content("#facts")
    assert file.page.text_content("#notice .words").startswith("Saved before the run was over")
    file.page.click("#views [value=numbers]")
    said = file.page.text_content("#numbers .verdict")
    assert "Saved before the run was over" in said and "when the run is over" not in said
    file.close()


def test_a_run_that_is_exported_before_plain_was_measured_promises_nothing(
    visit, file_tab, tmp_path
):
    visit.decoder.measuring = 60.0
    visit.decode_whole()
    visit.press("End")
    visit.until("document.querySelector('#facts').textContent.includes('being measured')")
    with visit.page.expect_download() as download:
        visit.page.click(".bar .export")
    visit.page.click("#stop")
    download.value.save_as(tmp_path / "early.html")
    file = File(file_tab, tmp_path / "early.html").open()
    for key in ("End", "PageUp", "PageUp"):  # rounds that said "after the run" too
        file.page.keyboard.press(key)
        file.until("player.state === 'paused'")
        assert "of plain, not measured" in file.page.text_content("#facts")
    file.close()


def test_a_file_plays_steps_and_draws_every_panel(file_tab, tmp_path):
    path = tmp_path / "run.html"
    path.write_text(standalone(synthetic.trace(12, 10)), encoding="utf-8")
    file = File(file_tab, path).open()
    for key in ("Home", "PageDown", "PageDown", "ArrowRight"):
        file.page.keyboard.press(key)
    assert file.ask("player.at") == 3
    while "judge" not in file.page.text_content(".stage .where"):
        file.page.keyboard.press("ArrowRight")  # p and q are drawn where a token is judged
    file.until("player.isSettled")
    for name in PANELS:
        assert file.page.locator(f".stage .{name} .plot svg").first.is_visible(), name
    before = file.ask("player.position")
    file.page.keyboard.press("Space")
    file.until(f"player.position > {before}")
    file.page.click("#views [value=numbers]")
    file.until("document.querySelector('[data-number=bandwidth] .plot').data?.length === 4")
    file.close()


def test_markup_in_prompt_and_tokens_does_nothing(file_tab, tmp_path):
    path = tmp_path / "evil.html"
    path.write_text(standalone(evil(), HURT), encoding="utf-8")
    file = File(file_tab, path).open()
    file.page.keyboard.press("Home")
    for _ in range(file.ask("player.length")):
        file.page.keyboard.press("ArrowRight")
    file.until("player.isSettled")
    file.page.click("#views [value=numbers]")
    file.until("player.isSettled")
    assert file.ask("window.hurt ?? null") is None
    assert file.page.locator("img").count() == 0
    assert "<img" in file.page.text_content("#rail .prompt")
    file.close()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_file_takes_the_readers_theme(file_tab, tmp_path, scheme):
    path = tmp_path / "run.html"
    path.write_text(standalone(synthetic.trace(2, 4)), encoding="utf-8")
    file = File(file_tab, path, color_scheme=scheme).open()
    assert file.ask("document.body.classList.contains('dark')") == (scheme == "dark")
    file.page.click("#header .theme")
    assert file.ask("document.body.classList.contains('dark')") == (scheme != "dark")
    file.close()


def test_a_notebooks_frame_plays(file_tab, tmp_path):
    path = tmp_path / "notebook.html"
    frame = show(synthetic.trace(4, 6))._repr_html_()
    path.write_text(f"<!doctype html><meta charset=utf-8>{frame}", encoding="utf-8")
    file = File(file_tab, path)
    inner = "document.querySelector('iframe').contentWindow.player"
    file.until(f"Boolean({inner}?.isDone)")
    assert file.ask(f"{inner}.size") == 4
    file.until(
        "document.querySelector('iframe').contentDocument.querySelector('.tree svg') !== null"
    )
    file.close()
