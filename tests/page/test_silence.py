"""A server that is gone: the run ends where it is, the page says so, and nothing is lost."""

import json

import pytest

from engine.trace import Trace

WORDS = "document.querySelector('#notice .words').textContent"
GONE = f"{WORDS}.startsWith('The server does not answer any more')"
RUNS = "document.querySelector('.bar .live').classList.contains('running')"


@pytest.fixture
def live(visit):
    """A run that has begun and takes long."""
    visit.decoder.count, visit.decoder.delay = 400, 0.1
    visit.decode()
    visit.until("player.size > 2")
    yield visit
    visit.page.context.set_offline(False)
    visit.decoder.runs[-1]._delay = 0.0
    visit.errors.clear()  # the browser's and Gradio's, of the network that was gone
    visit.page.click("#stop")


def test_a_proxy_that_answers_for_a_server_that_is_gone_is_not_taken_for_it(live):
    live.page.route("**/own/traces", lambda asked: asked.fulfill(status=502))
    live.decoder.runs[-1]._delay = 9.0
    live.until(GONE)
    assert not live.ask(RUNS) and live.ask("player.isDone")
    live.page.unroute("**/own/traces")


def test_what_a_server_was_measuring_when_it_went_is_not_promised_any_more(visit, tmp_path):
    visit.decoder.measuring = 60
    visit.decode_whole()
    visit.until(f"{WORDS}.startsWith('Measuring')")
    visit.page.context.set_offline(True)
    visit.until(GONE)
    visit.press("End")
    assert "of plain, not measured" in visit.page.text_content("#facts")
    with visit.page.expect_download() as told:
        visit.page.click(".bar .save")
    told.value.save_as(path := tmp_path / "run.jsonl")
    assert Trace.load(path).is_whole  # its end had come
    visit.page.context.set_offline(False)
    visit.errors.clear()
    visit.page.click("#stop")


def test_a_run_whose_server_is_gone_ends_and_can_be_saved(live, tmp_path):
    assert live.ask(RUNS)
    live.page.context.set_offline(True)  # what is asked now fails; a stream that is open stays so,
    live.decoder.runs[-1]._delay = 9.0  # … and has nothing to say
    live.until(GONE)
    assert not live.ask(RUNS) and live.ask("player.isDone")
    size = live.ask("player.size")
    assert "after the run" not in live.page.text_content("#facts")  # nothing is promised any more
    with live.page.expect_download() as told:
        live.page.click(".bar .save")
    path = tmp_path / "run.jsonl"
    told.value.save_as(path)
    assert len(path.read_text(encoding="utf-8").splitlines()) == 1 + size
    trace = Trace.load(path)
    assert len(trace.rounds) == size and not trace.is_whole
    live.press("Home", "PageDown")  # it plays as any other
    assert live.ask("player.at") == 1
    live.page.context.set_offline(False)
    live.page.reload()
    live.until("window.player && player.size > 0")
    assert live.ask("[player.at, player.size, player.isDone]") == [1, size, True]


NUMBERS = """[...document.querySelectorAll('.numbers .plot')]
    .map(plot => getComputedStyle(plot).visibility)"""


def test_the_figures_of_the_run_before_are_not_shown_as_this_ones(visit):
    visit.decode_whole()
    visit.page.get_by_role("tab", name="Numbers").click()
    visit.until("document.querySelectorAll('.numbers .plot .main-svg').length > 5")
    assert set(visit.ask(NUMBERS)) == {"visible"}
    visit.page.get_by_role("tab", name="Stage").click()
    visit.decoder.count, visit.decoder.delay = 400, 0.1
    visit.decode()
    visit.page.context.set_offline(True)
    visit.decoder.runs[-1]._delay = 9.0
    visit.until(GONE)
    visit.page.get_by_role("tab", name="Numbers").click()
    assert set(visit.ask(NUMBERS)) == {"hidden"}
    visit.page.get_by_role("tab", name="Stage").click()
    visit.page.context.set_offline(False)
    visit.decoder.runs[-1]._delay = 0.0
    visit.page.click("#stop")
    visit.errors.clear()


def test_a_slow_decoder_is_no_server_that_is_gone(visit):
    visit.decoder.count, visit.decoder.delay = 1, 8.0  # told of in time, on a slow machine too
    with visit.page.expect_request("**/own/traces") as asked:
        visit.page.click("#go")
    assert asked.value.method == "HEAD"
    visit.until("player.isDone")
    assert not visit.ask(GONE) and json.loads(visit.ask("JSON.stringify(player.problems)")) == []
